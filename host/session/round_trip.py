"""When to send a request again: the retransmission timer of RFC 6298.

Paxson et al., "Computing TCP's Retransmission Timer", RFC 6298, 2011. The same
problem as TCP's: links from a socket on this machine to an emulated UART, three
orders of magnitude apart, and no way to know which beforehand.
"""

from __future__ import annotations

_INITIAL_S = 0.5
_MAX_S = 4.0
_MAX_DOUBLINGS = 2
_ALPHA = 1 / 8
_BETA = 1 / 4
_VARIATIONS = 4


class RoundTripTimer:
    """Learns how long a prompt answer takes."""

    def __init__(self, min_s: float = 0.25) -> None:
        self.min_s = min_s
        self._smoothed_s: float | None = None
        self._variation_s = 0.0

    def timeout_s(self, attempts: int = 1) -> float:
        """How long to wait after the ``attempts``-th sending before the next.

        Doubled at each attempt, but not far: these links lose frames by noise, not by
        congestion, and a deadline must leave room for several attempts.
        """
        base = _INITIAL_S
        if self._smoothed_s is not None:
            base = self._smoothed_s + _VARIATIONS * self._variation_s
        return min(_MAX_S, max(self.min_s, base) * 2.0 ** min(attempts - 1, _MAX_DOUBLINGS))

    def observe(self, round_trip_s: float) -> None:
        """Takes in one round trip of a request that was sent once (Karn's algorithm)."""
        if self._smoothed_s is None:
            self._smoothed_s = round_trip_s
            self._variation_s = round_trip_s / 2
            return
        error_s = abs(self._smoothed_s - round_trip_s)
        self._variation_s += _BETA * (error_s - self._variation_s)
        self._smoothed_s += _ALPHA * (round_trip_s - self._smoothed_s)
