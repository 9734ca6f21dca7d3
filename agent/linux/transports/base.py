"""What the agent is to a transport, and a transport to the command line.

A transport reads frames from wherever it is connected to, gives each to the agent's ``submit``
with a function that sends a frame back on the same way, and returns when it has ended for good.
It knows no message.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

from protocol.framing import Frame

Send = Callable[[Frame], Awaitable[None]]
"""Raises OSError where the client is gone, or takes nothing for some seconds: the board serves one
request after another, and must not wait for who does not listen."""
Submit = Callable[[Frame, Send], Awaitable[None]]


class Transport(Protocol):
    """Implemented once a kind of link."""

    async def serve(self, submit: Submit) -> None:
        """Serves every client until there can be no further one.

        Raises:
            OSError: it cannot be opened.
        """
