"""What the agent is to a transport, and a transport to the command line.

A transport reads frames from wherever it is connected to, gives each to the agent's ``submit``
with a function that sends a frame back on the same way, and returns when it has ended for good.
It knows no message.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

from protocol.capabilities import Capabilities
from protocol.framing import Frame
from protocol.mqtt import LeaseNotice

Send = Callable[[Frame], Awaitable[None]]
"""Raises OSError where the client is gone, or takes nothing for some seconds: the board serves one
request after another, and must not wait for who does not listen."""


class Board(Protocol):
    """The agent, as transports see it."""

    @property
    def capabilities(self) -> Capabilities: ...

    @property
    def boot_count(self) -> int: ...

    @property
    def lease(self) -> LeaseNotice | None:
        """Who holds the board now."""
        ...

    async def submit(self, frame: Frame, send: Send, *, wait: bool = True) -> None:
        """Takes a request; what it is answered goes to ``send``, now or later.

        Args:
            frame: the request.
            send: the way back.
            wait: for room, where the holder has asked for more than the board keeps; else such a
                request is lost. For a way that one client has to itself.
        """


class Transport(Protocol):
    """Implemented once a kind of link."""

    async def serve(self, board: Board) -> None:
        """Serves every client until there can be no further one.

        Raises:
            OSError: it cannot be opened.
        """
