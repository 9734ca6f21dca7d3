"""The seeded generator both sides draw inputs from, so that a check costs no bandwidth.

xorshift32 (Marsaglia, "Xorshift RNGs", Journal of Statistical Software 8(14),
2003): four bytes a draw, low byte first, the last draw cut where the tensor
ends. A float32 input takes a draw an element instead, as a number in [-1, 1):
bytes at random would be NaNs and infinities. Every input starts from a state
of its own.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

INPUT_STRIDE = 0x9E3779B9
"""2^32 divided by the golden ratio: keeps the states of neighbouring inputs apart."""

ZERO_STATE = 0x6D2B79F5
"""Takes the place of state 0, which xorshift never leaves."""


def draw_input(seed: int, index: int, size_bytes: int) -> bytes:
    """The bytes of input ``index`` (from 0) for a 32-bit ``seed``, where it holds integers."""
    out = bytearray()
    states = _states(seed, index)
    while len(out) < size_bytes:
        out += next(states).to_bytes(4, "little")
    return bytes(out[:size_bytes])


def draw_float32_input(seed: int, index: int, elements: int) -> bytes:
    """The bytes of input ``index`` (from 0) where it is float32: each element in [-1, 1).

    The top 24 bits of a state times 2^-23, minus 1: every step is exact in float32.
    """
    states = _states(seed, index)
    values = ((next(states) >> 8) * 2.0**-23 - 1.0 for _ in range(elements))
    return struct.pack(f"<{elements}f", *values)


def _states(seed: int, index: int) -> Iterator[int]:
    state = (seed ^ (INPUT_STRIDE * (index + 1))) & 0xFFFFFFFF or ZERO_STATE
    while True:
        state ^= (state << 13) & 0xFFFFFFFF
        state ^= state >> 17
        state ^= (state << 5) & 0xFFFFFFFF
        yield state
