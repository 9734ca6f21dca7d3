"""The integer primitives of gemmlowp's fixed point, over NumPy arrays.

Values are int64 arrays that hold int32 (or int16) values; what a C
implementation wraps to 32 bits is wrapped here too. Qm.n is a signed number of
m integer and n fractional bits. Formulas: gemmlowp's ``fixedpoint/fixedpoint.h``.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Int64Array = NDArray[np.int64]

INT32_MIN = -(1 << 31)
INT32_MAX = (1 << 31) - 1
ONE_Q31 = INT32_MAX
"""The largest Q0.31, which stands for 1.0."""


def wrap_int32(x: ArrayLike) -> Int64Array:
    """``x`` modulo 2^32, as a signed 32-bit register holds it."""
    values = np.asarray(x, dtype=np.int64)
    wrapped: Int64Array = ((values - INT32_MIN) & 0xFFFFFFFF) + INT32_MIN
    return wrapped


def saturating_rounding_doubling_high_mul(a: ArrayLike, b: ArrayLike, bits: int = 32) -> Int64Array:
    """``a * b / 2^(bits-1)`` rounded to nearest, half up; the minimum squared saturates."""
    a, b = np.asarray(a, dtype=np.int64), np.asarray(b, dtype=np.int64)
    result: Int64Array = (a * b + (1 << (bits - 2))) >> (bits - 1)
    saturated: Int64Array = np.minimum(result, (1 << (bits - 1)) - 1)
    return saturated


def rounding_divide_by_power_of_two(x: ArrayLike, exponent: ArrayLike) -> Int64Array:
    """``x / 2^exponent`` rounded to nearest, half away from zero; ``exponent`` 0 to 31."""
    x, exponent = np.asarray(x, dtype=np.int64), np.asarray(exponent, dtype=np.int64)
    mask = (np.int64(1) << exponent) - 1
    threshold = (mask >> 1) + (x < 0)
    quotient: Int64Array = (x >> exponent) + ((x & mask) > threshold)
    return quotient


def multiply_by_quantized_multiplier(
    x: ArrayLike, multiplier: ArrayLike, shift: ArrayLike
) -> Int64Array:
    """``x * multiplier * 2^(shift-31)``, rounded twice, as TFLM does it.

    ``multiplier`` is Q0.31; a positive ``shift`` goes left, before the product.
    The three broadcast against each other.
    """
    shift = np.asarray(shift, dtype=np.int64)
    shifted = wrap_int32(np.asarray(x, dtype=np.int64) << np.maximum(shift, 0))
    product = saturating_rounding_doubling_high_mul(shifted, multiplier)
    return rounding_divide_by_power_of_two(product, np.maximum(-shift, 0))


def _saturating_shift_left(x: Int64Array, exponent: int) -> Int64Array:
    """gemmlowp's SaturatingRoundingMultiplyByPOT for a positive exponent."""
    threshold = (1 << (31 - exponent)) - 1
    result = np.where(x > threshold, INT32_MAX, wrap_int32(x << exponent))
    return np.where(x < -threshold, INT32_MIN, result)


def _exp_between_minus_quarter_and_zero(a: Int64Array) -> Int64Array:
    """exp(a) for Q0.31 ``a`` in [-1/4, 0): a Taylor expansion around -1/8."""
    multiply = saturating_rounding_doubling_high_mul
    exp_of_minus_eighth, third = 1895147668, 715827883
    x = a + (1 << 28)
    x2 = multiply(x, x)
    x3 = multiply(x2, x)
    x4_over_4 = rounding_divide_by_power_of_two(multiply(x2, x2), 2)
    tail = rounding_divide_by_power_of_two(multiply(x4_over_4 + x3, third) + x2, 1)
    return exp_of_minus_eighth + multiply(exp_of_minus_eighth, x + tail)


_EXP_OF_MINUS_POWERS = (
    (-2, 1672461947),
    (-1, 1302514674),
    (0, 790015084),
    (1, 290630308),
    (2, 39332535),
    (3, 720401),
    (4, 242),
)
"""Exponent e and exp(-2^e) in Q0.31."""


def exp_on_negative_values(a: ArrayLike, integer_bits: int) -> Int64Array:
    """exp(a) in Q0.31 for ``a <= 0`` in Q(integer_bits).(31-integer_bits); 0 to 5 integer bits."""
    a = np.asarray(a, dtype=np.int64)
    fractional_bits = 31 - integer_bits
    quarter = 1 << (fractional_bits - 2)
    in_quarter = (a & (quarter - 1)) - quarter
    result = _exp_between_minus_quarter_and_zero(_saturating_shift_left(in_quarter, integer_bits))
    remainder = in_quarter - a
    for exponent, multiplier in _EXP_OF_MINUS_POWERS:
        if integer_bits > exponent:
            bit = np.int64(1) << (fractional_bits + exponent)
            reduced = saturating_rounding_doubling_high_mul(result, multiplier)
            result = np.where(remainder & bit, reduced, result)
    return np.where(a == 0, ONE_Q31, result)


def one_over_one_plus_x(x: ArrayLike) -> Int64Array:
    """1 / (1 + x) in Q0.31 for Q0.31 ``x`` in [0, 1]: three Newton-Raphson steps in Q2.29."""
    multiply = saturating_rounding_doubling_high_mul
    total = np.asarray(x, dtype=np.int64) + ONE_Q31
    half_denominator = (total + 1) >> 1  # x is never negative here
    one_q2 = 1 << 29
    forty_eight_over_17, minus_32_over_17 = 1515870810, -1010580540
    estimate = forty_eight_over_17 + multiply(half_denominator, minus_32_over_17)
    for _ in range(3):
        error = one_q2 - multiply(half_denominator, estimate)
        # The product is Q4.27: two bits are shifted away, saturating.
        estimate = estimate + _saturating_shift_left(multiply(estimate, error), 2)
    return _saturating_shift_left(estimate, 1)  # halved, then from Q2.29 to Q0.31


def logistic(a: ArrayLike, integer_bits: int) -> Int64Array:
    """1 / (1 + exp(-a)) in Q0.31 for ``a`` in Q(integer_bits).(31-integer_bits)."""
    a = np.asarray(a, dtype=np.int64)
    positive = one_over_one_plus_x(exp_on_negative_values(-np.abs(a), integer_bits))
    result = np.where(a > 0, positive, ONE_Q31 - positive)
    return np.where(a == 0, 1 << 30, result)
