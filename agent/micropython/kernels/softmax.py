"""SOFTMAX as TensorFlow Lite's integer reference; see firmware/runtime/kernels/softmax.c."""

from jsp_protocol import E_PLAN_PARAMETER, E_PLAN_SHAPE, SOFTMAX_PARAMS
from kernels.common import (
    INT8_MAX,
    INT8_MIN,
    WORD_BYTES,
    Kernel,
    check_data,
    check_tensors,
    multiply_high,
    require,
    rounding_shift_right,
    signed,
    to_byte,
    word,
)

_ACCUMULATOR_INTEGER_BITS = 12
_MAX_DEPTH = 8191
_MAX_ENTRIES = 256
_MIN_FIRST_ENTRY = 2048
_INT32_MAX = (1 << 31) - 1
_CONSTANT_48_OVER_17 = 1515870810  # Q2.29
_CONSTANT_MINUS_32_OVER_17 = -1010580540


def _check(op, record):
    p = op.params
    check_tensors(op, record, 1, True)
    require(
        p.rows and 0 < p.depth <= _MAX_DEPTH and 0 < p.table_entries <= _MAX_ENTRIES,
        E_PLAN_PARAMETER,
    )
    require(p.rows * p.depth == op.inputs[0].size_bytes == op.outputs[0].size_bytes, E_PLAN_SHAPE)
    check_data(op, p.table_offset, p.table_entries, WORD_BYTES)
    require(word(op.plan, p.table_offset, 0) >= _MIN_FIRST_ENTRY, E_PLAN_PARAMETER)
    for index in range(1, p.table_entries):
        require(word(op.plan, p.table_offset, index) >= 0, E_PLAN_PARAMETER)


def _one_over_one_plus(a):
    """1 / (1 + a) for a in [0, 1), Q0.31: three Newton-Raphson steps from 48/17 - 32/17 d."""
    half_denominator = (a + _INT32_MAX + 1) >> 1
    x = _CONSTANT_48_OVER_17 + multiply_high(_CONSTANT_MINUS_32_OVER_17, half_denominator)
    for _ in range(3):
        error = (1 << 29) - multiply_high(x, half_denominator)
        x += multiply_high(error, x) * 4
    return _INT32_MAX if x >= 1 << 30 else x * 2


def reciprocal(total):
    """Mantissa (Q0.31) and exponent of 1 / total, with total in Q12.19 and not 0."""
    zeros = 0
    while not (total << zeros) & 0x80000000:
        zeros += 1
    mantissa = _one_over_one_plus((total << zeros) & 0x7FFFFFFF)
    return mantissa, _ACCUMULATOR_INTEGER_BITS - zeros


def _run(op):
    p = op.params
    output = op.output()
    for row in range(p.rows):
        start = row * p.depth
        x = signed(op.input(0)[start : start + p.depth])
        largest = max(x)
        total = 0
        for value in x:
            difference = largest - value
            if difference < p.table_entries:
                exponential = word(op.plan, p.table_offset, difference)
                total += rounding_shift_right(exponential, _ACCUMULATOR_INTEGER_BITS)
        scale, exponent = reciprocal(total)
        exponent += 31 - 8
        for i in range(p.depth):
            difference = largest - x[i]
            value = 0
            # From 2^32 on, the divisor leaves nothing of a Q0.31 value.
            if difference < p.table_entries and exponent <= 31:
                exponential = word(op.plan, p.table_offset, difference)
                value = rounding_shift_right(multiply_high(exponential, scale), exponent)
            output[start + i] = to_byte(value, INT8_MIN, INT8_MIN, INT8_MAX)


SOFTMAX = Kernel(SOFTMAX_PARAMS, _check, _run)
