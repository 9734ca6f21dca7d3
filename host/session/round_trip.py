"""When to send a request again: the retransmission timer of RFC 6298.

Paxson et al., "Computing TCP's Retransmission Timer", RFC 6298, 2011. The same
problem as TCP's: links from a socket on this machine to an emulated UART, three
orders of magnitude apart, and no way to know which beforehand.
"""

from __future__ import annotations

_INITIAL_S = 1.0
_MAX_S = 4.0
_ALPHA = 1 / 8
_BETA = 1 / 4
_VARIATIONS = 4


class RoundTripTimer:
    """Learns how long a prompt answer takes."""

    def __init__(self, min_s: float = 0.25) -> None:
        self.min_s = min_s
        self._smoothed_s: float | None = None
        self._variation_s = 0.0
        self._backoff = 1

    @property
    def timeout_s(self) -> float:
        """How long to wait for an answer before its request is sent again."""
        if self._smoothed_s is None:
            base = _INITIAL_S
        else:
            base = max(self.min_s, self._smoothed_s + _VARIATIONS * self._variation_s)
        return min(_MAX_S, base * self._backoff)

    def observe(self, round_trip_s: float) -> None:
        """Takes in one round trip of a request that was sent once (Karn's algorithm)."""
        self._backoff = 1
        if self._smoothed_s is None:
            self._smoothed_s = round_trip_s
            self._variation_s = round_trip_s / 2
            return
        error_s = abs(self._smoothed_s - round_trip_s)
        self._variation_s += _BETA * (error_s - self._variation_s)
        self._smoothed_s += _ALPHA * (round_trip_s - self._smoothed_s)

    def back_off(self) -> None:
        """Doubles the wait, up to a limit: a slow board must not be flooded."""
        self._backoff = min(2 * self._backoff, 64)
