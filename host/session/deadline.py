"""Every wait of a session ends at one of these."""

from __future__ import annotations

import time


class Deadline:
    """A point in time to be done by, on the monotonic clock."""

    def __init__(self, timeout_s: float) -> None:
        self._started = time.monotonic()
        self._ends = self._started + timeout_s

    @property
    def remaining_s(self) -> float:
        """Seconds left; 0 once it has passed."""
        return max(0.0, self._ends - time.monotonic())

    @property
    def elapsed_s(self) -> float:
        return time.monotonic() - self._started

    @property
    def expired(self) -> bool:
        return self.remaining_s == 0.0

    def extend_to(self, timeout_s: float) -> None:
        """Gives at least ``timeout_s`` from now: the other side showed that it lives."""
        self._ends = max(self._ends, time.monotonic() + timeout_s)

    def postpone(self, by_s: float) -> None:
        """Adds time in which the other side could not have answered."""
        self._ends += by_s
