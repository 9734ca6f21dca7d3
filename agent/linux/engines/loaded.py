"""A model that is ready to run, whatever runs it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from protocol.messages import MessageType

Alive = Callable[[bytes], Awaitable[None]]
"""Sends an ALIVE with this payload to whoever waits for the request at hand."""


class LoadedModel(Protocol):
    """Serves the requests that need a model."""

    @property
    def engine(self) -> str:
        """Name and version."""
        ...

    @property
    def threads(self) -> int: ...

    @property
    def cpus(self) -> Sequence[int]:
        """Those it is pinned to."""
        ...

    @property
    def pid(self) -> int | None:
        """Of the process that has the model; None where that has ended."""
        ...

    async def serve(self, kind: MessageType, payload: bytes, alive: Alive) -> bytes:
        """Answers INPUT, RUN, OUTPUT, PROFILE or ARENA; returns the answer's payload.

        Raises:
            Refusal: with the code to answer; ENGINE_FAILED where the process ended or hung.
        """
        ...

    async def forget_inputs(self) -> None:
        """The holder has changed."""

    async def close(self) -> None:
        """Ends the process."""
