"""A link whose user can be told to stop, from another thread."""

from __future__ import annotations

import time
from typing import Protocol

from host.links.base import Holder, Link, SharedLink

_SLICE_S = 0.1


class Interrupted(Exception):
    """The work on a link was called off; no failure of anything, and no answer to anybody."""


class StopSignal(Protocol):
    """What a ``threading.Event`` is, as far as it is asked here."""

    def is_set(self) -> bool: ...


class InterruptibleLink:
    """Implements :class:`host.links.base.SharedLink` over any other, which it owns.

    Once ``stop`` is set, the next read or write raises :class:`Interrupted`: once, so that what
    unwinds can still release the board.
    """

    def __init__(self, link: Link, stop: StopSignal) -> None:
        self._link = link
        self._stop = stop
        self._raised = False

    @property
    def name(self) -> str:
        return self._link.name

    @property
    def transport(self) -> str:
        return self._link.transport

    @property
    def holder(self) -> Holder | None:
        return self._link.holder if isinstance(self._link, SharedLink) else None

    def read(self, timeout_s: float) -> bytes:
        deadline = time.monotonic() + timeout_s
        while True:
            self._check()
            left_s = deadline - time.monotonic()
            data = self._link.read(max(0.0, min(_SLICE_S, left_s)))
            if data or left_s <= _SLICE_S:
                return data

    def write(self, data: bytes) -> None:
        self._check()
        self._link.write(data)

    def close(self) -> None:
        self._link.close()

    def _check(self) -> None:
        if self._stop.is_set() and not self._raised:
            self._raised = True
            raise Interrupted
