"""How much of this machine's processors the boards that are programs of it may use at once."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

import attrs


@attrs.define(eq=False)
class _Waiter:
    slots: int
    remaining_s: float


class Slots:
    """``count`` slots, given to whoever has the most work left.

    Longest work first keeps a run from ending with one board that works while all others have
    finished (Graham, "Bounds on Multiprocessing Timing Anomalies", 1969: at most 4/3 of the best
    schedule). Nobody is passed over: who is first in line for many slots gets the next free ones.
    """

    def __init__(self, count: int) -> None:
        self.count = count
        self._free = count
        self._waiting: list[_Waiter] = []
        self._changed = threading.Condition()

    @contextlib.contextmanager
    def taken(self, slots: int, remaining_s: float, stop: threading.Event) -> Iterator[None]:
        """Holds ``slots`` of them, or all where there are fewer; waits no longer once ``stop`` is
        set.

        Args:
            remaining_s: how much work the one who waits has left.
        """
        slots = min(slots, self.count)
        waiter = _Waiter(slots, remaining_s)
        with self._changed:
            self._waiting.append(waiter)
            self._changed.notify_all()
            self._changed.wait_for(lambda: stop.is_set() or self._is_next(waiter))
            self._waiting.remove(waiter)
            self._free -= slots
            self._changed.notify_all()
        try:
            yield
        finally:
            with self._changed:
                self._free += slots
                self._changed.notify_all()

    def wake(self) -> None:
        """Has those who wait look at their ``stop``."""
        with self._changed:
            self._changed.notify_all()

    def _is_next(self, waiter: _Waiter) -> bool:
        first = max(self._waiting, key=lambda other: other.remaining_s)
        return first is waiter and waiter.slots <= self._free
