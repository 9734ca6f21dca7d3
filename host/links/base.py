"""What the session needs of a link: bytes in, bytes out, an end.

A link knows no message. Whatever fails in it (cable, port, socket, emulator)
is raised as :class:`host.errors.LinkError` with what to check next.
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import attrs


class Link(Protocol):
    """A byte stream to one board."""

    @property
    def name(self) -> str:
        """Where it leads, as the user would name it: ``/dev/ttyACM0``, ``tcp://rack:4000``."""
        ...

    @property
    def transport(self) -> str:
        """What the measurement record calls it: ``serial``, ``tcp``, ``emulator``."""
        ...

    def read(self, timeout_s: float) -> bytes:
        """Bytes that have arrived, at least one; ``b""`` after ``timeout_s`` without any.

        Raises:
            LinkError: the other end is gone.
        """
        ...

    def write(self, data: bytes) -> None:
        """Sends all of ``data``, waiting for room where the other end is slow.

        Raises:
            LinkError: the other end is gone, or takes nothing.
        """
        ...

    def close(self) -> None:
        """Frees the port and ends what the link started. Safe to call twice."""
        ...


@attrs.frozen
class Holder:
    """Who holds a board, and for how long if it asks nothing more."""

    name: str
    left_s: float


@runtime_checkable
class SharedLink(Link, Protocol):
    """A link that others may use at the same time.

    A board in the middle of a run answers nobody else; what the link knows of it says why.
    """

    @property
    def holder(self) -> Holder | None:
        """Who holds the board; None: nobody, or not known."""
        ...
