"""The arena's place in the pool, and the pattern that tells how much of it was ever written.

No guards stand beside it: kernels write through a memoryview of the arena alone.
"""

from jsp_protocol import PLAN_ALIGNMENT

_PATTERN_BYTES = 256
# No two neighbours alike, so that a kernel which fills with any one byte shows.
_PATTERN = bytes((i * 167 ^ 0xA5) & 0xFF for i in range(_PATTERN_BYTES))


def place(pool, taken_bytes):
    """The part of ``pool`` (a memoryview) that an arena may have behind its first bytes."""
    start = min((taken_bytes + PLAN_ALIGNMENT - 1) // PLAN_ALIGNMENT * PLAN_ALIGNMENT, len(pool))
    size = (len(pool) - start) // PLAN_ALIGNMENT * PLAN_ALIGNMENT
    return pool[start : start + size]


def fill(arena):
    """Writes the pattern."""
    for start in range(0, len(arena), _PATTERN_BYTES):
        count = min(_PATTERN_BYTES, len(arena) - start)
        arena[start : start + count] = _PATTERN[:count]


def high_water_bytes(arena):
    """Bytes up to the last that differs from the pattern."""
    start = len(arena) // _PATTERN_BYTES * _PATTERN_BYTES
    while start >= 0:
        piece = arena[start : start + _PATTERN_BYTES]
        if piece != _PATTERN[: len(piece)]:
            end = len(piece)
            while piece[end - 1] == _PATTERN[end - 1]:
                end -= 1
            return start + end
        start -= _PATTERN_BYTES
    return 0
