"""Rows of weights in the plan: int8, or packed four bits a weight (protocol/SPEC.md, the plan)."""

from array import array

from jsp_protocol import OP_CONV_2D_INT4, OP_FULLY_CONNECTED_INT4
from kernels.common import round_up_4, signed

_BIAS = 8
_WEIGHTS_PER_WORD = 8
# By weight of a word: its byte, and how far up it is in there.
_BYTE_OF = bytes((0, 0, 2, 2, 1, 1, 3, 3))


def is_packed(kind):
    return kind in (OP_CONV_2D_INT4, OP_FULLY_CONNECTED_INT4)


def row_bytes(kind, weights):
    """Bytes from a row of ``weights`` to the next."""
    if is_packed(kind):
        return (weights + _WEIGHTS_PER_WORD - 1) // _WEIGHTS_PER_WORD * 4
    return round_up_4(weights)


def read_row(op, weights, index):
    """The weights of output channel ``index``, with their signs."""
    size = row_bytes(op.kind, weights)
    start = op.params.weights_offset + index * size
    row = op.plan[start : start + size]
    if not is_packed(op.kind):
        return signed(row[:weights])
    out = array("b", bytes(weights))
    for i in range(weights):
        byte = row[i // _WEIGHTS_PER_WORD * 4 + _BYTE_OF[i % _WEIGHTS_PER_WORD]]
        out[i] = (byte >> 4 if i & 1 else byte & 15) - _BIAS
    return out


def dot(acc, x, weights):
    """acc + sum(x * w)."""
    for i in range(len(weights)):
        acc += x[i] * weights[i]
    return acc
