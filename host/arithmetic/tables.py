"""Tables of the non-linear functions, each entry as TFLM's fixed point gives it.

Lookup tables are int8[256], indexed by the input's byte read as uint8.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from host.arithmetic.fixed_point import (
    Int64Array,
    exp_on_negative_values,
    logistic,
    multiply_by_quantized_multiplier,
    rounding_divide_by_power_of_two,
    saturating_rounding_doubling_high_mul,
)
from host.arithmetic.scaling import INT8_MAX, INT8_MIN, ScalingError, quantize_multiplier
from host.models.graph import Quantization

INT8_VALUES: NDArray[np.int8] = np.arange(256, dtype=np.uint8).view(np.int8)
"""Every int8, in the order of a lookup table."""

OUTPUT_SCALE = 1.0 / 256.0
OUTPUT_ZERO_POINT = -128
"""What SOFTMAX and LOGISTIC always give: [0, 1) over the whole of int8."""

LOGISTIC_INTEGER_BITS = 4
SOFTMAX_INTEGER_BITS = 5
SOFTMAX_MAX_DEPTH = 4095
"""The sum of exponentials is Q12.19: one more 1.0 would overflow it."""


def _to_int8(values: Int64Array) -> NDArray[np.int8]:
    return np.clip(values, INT8_MIN, INT8_MAX).astype(np.int8)


def _input_radius(integer_bits: int, left_shift: int) -> int:
    """Largest difference whose scaled value stays inside the Q format (CalculateInputRadius)."""
    return math.floor(((1 << integer_bits) - 1) * (1 << (31 - integer_bits)) / (1 << left_shift))


def logistic_table(source: Quantization) -> NDArray[np.int8]:
    """LOGISTIC of every int8 with quantization ``source``."""
    real = source.scale * (1 << (31 - LOGISTIC_INTEGER_BITS))
    multiplier, shift = quantize_multiplier(real)
    if shift < 0:
        raise ScalingError(f"input scale {source.scale} is too small for LOGISTIC")
    radius = _input_radius(LOGISTIC_INTEGER_BITS, shift)
    centred = INT8_VALUES.astype(np.int64) - source.zero_point
    scaled = multiply_by_quantized_multiplier(np.clip(centred, -radius, radius), multiplier, shift)
    q31 = logistic(scaled, LOGISTIC_INTEGER_BITS)
    inside = rounding_divide_by_power_of_two(q31, 31 - 8) + OUTPUT_ZERO_POINT
    result = np.where(centred <= -radius, INT8_MIN, inside)
    return _to_int8(np.where(centred >= radius, INT8_MAX, result))


def requantize_table(source: Quantization, target: Quantization) -> NDArray[np.int8]:
    """QUANTIZE from int8 to int8."""
    multiplier, shift = quantize_multiplier(source.scale / target.scale)
    centred = INT8_VALUES.astype(np.int64) - source.zero_point
    scaled = multiply_by_quantized_multiplier(centred, multiplier, shift)
    return _to_int8(scaled + target.zero_point)


def _int16_multiplier(mantissa: int) -> int:
    """A Q0.31 mantissa as Q0.15, saturating (DownScaleInt32ToInt16Multiplier)."""
    rounding = 1 << 15
    return (1 << 15) - 1 if mantissa >= (1 << 31) - 1 - rounding else (mantissa + rounding) >> 16


def _wrap_int16(values: Int64Array) -> Int64Array:
    return ((values + (1 << 15)) & 0xFFFF) - (1 << 15)


def hard_swish_table(source: Quantization, target: Quantization) -> NDArray[np.int8]:
    """HARD_SWISH, x * relu6(x + 3) / 6, in 16-bit fixed point."""
    hires_scale = np.float32(1.0 / 128.0) * np.float32(source.scale)
    output_mantissa, output_exponent = quantize_multiplier(
        float(hires_scale / np.float32(target.scale))
    )
    if output_exponent > 0:
        raise ScalingError("the output's scale is too small for HARD_SWISH of the input's")
    reluish_mantissa, reluish_exponent = quantize_multiplier(
        float(hires_scale / np.float32(3.0 / 32768.0))
    )
    hires = _wrap_int16((INT8_VALUES.astype(np.int64) - source.zero_point) << 7)
    preshift = saturating_rounding_doubling_high_mul(
        hires, _int16_multiplier(output_mantissa), bits=16
    )
    reluish = hires
    if reluish_exponent > 0:
        reluish = np.clip(reluish << (reluish_exponent - 1), -32768, 32767)
    reluish = saturating_rounding_doubling_high_mul(
        reluish, _int16_multiplier(reluish_mantissa), bits=16
    )
    if reluish_exponent > 0:
        reluish = np.clip(reluish << 1, -32768, 32767)
    if reluish_exponent < 0:
        reluish = rounding_divide_by_power_of_two(reluish, -reluish_exponent)
    reluish = (reluish + (1 << 15)) >> 1
    product = reluish * preshift
    truncated = np.sign(product) * (np.abs(product) >> 15)  # towards zero, unlike a shift
    output = rounding_divide_by_power_of_two(truncated, -output_exponent)
    return _to_int8(output + target.zero_point)


def softmax_table(source: Quantization, beta: float) -> NDArray[np.int32]:
    """exp(-scale * beta * d) in Q0.31 for the differences d = 0, 1, ... from a row's maximum.

    int32[1 to 256]; a larger difference gives 0.
    """
    limit = float((1 << 31) - 1)
    real = min(beta * source.scale * (1 << (31 - SOFTMAX_INTEGER_BITS)), limit)
    if not real > 1.0:
        raise ScalingError(f"input scale {source.scale} with beta {beta} is too small for SOFTMAX")
    fraction, shift = math.frexp(real)
    multiplier = math.floor(fraction * (1 << 31) + 0.5)
    if multiplier == 1 << 31:
        multiplier, shift = multiplier // 2, shift + 1
    entries = min(_input_radius(SOFTMAX_INTEGER_BITS, shift), 255) + 1
    differences = -np.arange(entries, dtype=np.int64)
    scaled = saturating_rounding_doubling_high_mul(differences << shift, multiplier)
    return exp_on_negative_values(scaled, SOFTMAX_INTEGER_BITS).astype(np.int32)
