"""What serves the requests of whoever holds the board."""

from __future__ import annotations

from typing import Protocol

from agent.linux.engines.loaded import Alive
from protocol.messages import MessageType


class Service(Protocol):
    """Models and plans as they are, or bundles; one request at a time."""

    async def start(self) -> None:
        """Before the first request: what is to run from the start on."""

    async def serve(self, kind: MessageType, payload: bytes, alive: Alive) -> bytes:
        """The payload of the answer. Raises Refusal."""
        ...

    async def forget_inputs(self) -> None:
        """The holder has changed."""

    async def restart(self) -> None:
        """As the board's: what was sent is forgotten."""

    async def close(self) -> None:
        """Ends every process and deletes what was uploaded."""
