"""What kernels share: signed elements, requantization, and the checks of their tensors.

Python's integers have no width: where C's would wrap, ``wrap`` does.
"""

from array import array
from struct import unpack_from

from jsp_protocol import (
    DTYPE_INT8,
    E_PLAN_ALIGNMENT,
    E_PLAN_DATA,
    E_PLAN_DTYPE,
    E_PLAN_OP_RECORD,
    E_PLAN_PARAMETER,
    E_PLAN_SCRATCH,
    E_PLAN_TENSOR,
)
from refusal import Refusal

INT8_MIN = -128
INT8_MAX = 127
WORD_BYTES = 4
_ROUND = 1 << 30
_INT32_MIN = -(1 << 31)
_INT32_MAX = (1 << 31) - 1

SIGNED = array("b", bytes(range(256)))
"""An int8 by its byte."""


class Kernel:
    """A kind of op: its parameters' Layout, ``check(op, record)`` and ``run(op)``."""

    def __init__(self, params, check, run):
        self.params = params
        self.check = check
        self.run = run


def signed(view):
    """A copy of int8 elements that reads as numbers with a sign."""
    return array("b", bytes(view))


def word(plan, offset, index):
    """Element ``index`` of an int32 array in the plan."""
    return unpack_from("<l", plan, offset + WORD_BYTES * index)[0]


def wrap(value):
    """As an int32 holds it."""
    if _INT32_MIN <= value <= _INT32_MAX:
        return value
    return ((value - _INT32_MIN) & 0xFFFFFFFF) + _INT32_MIN


def multiply_high(value, multiplier):
    """Saturating rounding doubling high multiply, which a multiplier below 2^31 never saturates."""
    return (value * multiplier + _ROUND) >> 31


def rounding_shift_right(value, exponent):
    """value / 2^exponent, halves away from zero."""
    if exponent == 0:
        return value
    if value < 0:
        value -= 1
    return ((value >> (exponent - 1)) + 1) >> 1


def requantize(value, multiplier, shift):
    """value * multiplier / 2^31 * 2^shift with gemmlowp's double rounding."""
    if shift > 0:
        return multiply_high(wrap(value << shift), multiplier)
    return rounding_shift_right(multiply_high(value, multiplier), -shift)


def to_byte(value, zero_point, low, high):
    """value + zero point within the activation's limits, as the byte of an int8."""
    value = wrap(value + zero_point)
    return (low if value < low else high if value > high else value) & 0xFF


def require(holds, code):
    """Raises Refusal with ``code`` unless ``holds``."""
    if not holds:
        raise Refusal(code)


def is_int8(value):
    return INT8_MIN <= value <= INT8_MAX


def is_activation(low, high):
    return INT8_MIN <= low <= high <= INT8_MAX


def is_scaling(multiplier, shift):
    return multiplier >= 0 and -31 <= shift <= 30


def elements(dims):
    product = 1
    for size in dims:
        product *= size
    return product


def last_element(dims, strides):
    """Highest element that indices below ``dims``, none of them 0, reach through ``strides``."""
    return sum((size - 1) * stride for size, stride in zip(dims, strides))


def round_up_4(count):
    return (count + 3) // 4 * 4


def check_data(op, offset, count, element_bytes):
    """So many elements are in the plan, aligned."""
    require(offset % element_bytes == 0, E_PLAN_ALIGNMENT)
    require(offset + count * element_bytes <= len(op.plan), E_PLAN_DATA)


def check_scaling(op, multipliers_offset, shifts_offset, count):
    """So many multipliers and shifts are in the plan, aligned and in range."""
    check_data(op, multipliers_offset, count, WORD_BYTES)
    check_data(op, shifts_offset, count, 1)
    for index in range(count):
        multiplier = word(op.plan, multipliers_offset, index)
        require(is_scaling(multiplier, SIGNED[op.plan[shifts_offset + index]]), E_PLAN_PARAMETER)


def _are_apart(offset, size, tensor):
    return offset + size <= tensor.arena_offset or tensor.arena_offset + tensor.size_bytes <= offset


def _scratch_is_apart(record, tensor):
    return record.scratch_bytes == 0 or _are_apart(
        record.scratch_offset, record.scratch_bytes, tensor
    )


def check_tensors(op, record, inputs, may_be_in_place):
    """So many inputs and one output, all int8, that overlap only where the kind allows it."""
    require(len(op.inputs) == inputs and len(op.outputs) == 1, E_PLAN_OP_RECORD)
    output = op.outputs[0]
    require(output.dtype == DTYPE_INT8, E_PLAN_DTYPE)
    require(_scratch_is_apart(record, output), E_PLAN_SCRATCH)
    for tensor in op.inputs:
        require(tensor.dtype == DTYPE_INT8, E_PLAN_DTYPE)
        require(_scratch_is_apart(record, tensor), E_PLAN_SCRATCH)
        require(
            _are_apart(tensor.arena_offset, tensor.size_bytes, output)
            or (
                may_be_in_place
                and tensor.arena_offset == output.arena_offset
                and tensor.size_bytes >= output.size_bytes
            ),
            E_PLAN_TENSOR,
        )
