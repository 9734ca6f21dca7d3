"""The seeded generator of inputs: xorshift32 (Marsaglia 2003), see protocol/SPEC.md."""

from struct import pack_into

from jsp_protocol import INPUT_STRIDE, ZERO_STATE

_DRAW_BYTES = 4
_MASK = 0xFFFFFFFF


def draw(view, seed, index, is_float32=False):
    """Fills ``view`` with what input ``index`` (from 0) is for ``seed``."""
    state = (seed ^ (INPUT_STRIDE * (index + 1))) & _MASK or ZERO_STATE
    for start in range(0, len(view), _DRAW_BYTES):
        state ^= (state << 13) & _MASK
        state ^= state >> 17
        state ^= (state << 5) & _MASK
        if is_float32:
            pack_into("<f", view, start, (state >> 8) * (1 / 8388608) - 1)
        else:
            count = min(_DRAW_BYTES, len(view) - start)
            view[start : start + count] = state.to_bytes(_DRAW_BYTES, "little")[:count]
