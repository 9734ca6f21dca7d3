"""The seeded generator both sides draw inputs from, so that a check costs no bandwidth.

xorshift32 (Marsaglia, "Xorshift RNGs", Journal of Statistical Software 8(14),
2003): four bytes a draw, low byte first, the last draw cut where the tensor
ends. Every input starts from a state of its own.
"""

from __future__ import annotations

INPUT_STRIDE = 0x9E3779B9
"""2^32 divided by the golden ratio: keeps the states of neighbouring inputs apart."""

ZERO_STATE = 0x6D2B79F5
"""Takes the place of state 0, which xorshift never leaves."""


def draw_input(seed: int, index: int, size_bytes: int) -> bytes:
    """The bytes of input ``index`` (from 0) for a 32-bit ``seed``."""
    state = (seed ^ (INPUT_STRIDE * (index + 1))) & 0xFFFFFFFF or ZERO_STATE
    out = bytearray()
    while len(out) < size_bytes:
        state ^= (state << 13) & 0xFFFFFFFF
        state ^= state >> 17
        state ^= (state << 5) & 0xFFFFFFFF
        out += state.to_bytes(4, "little")
    return bytes(out[:size_bytes])
