"""From scales to the integers that kernels compute with, as TFLM's Prepare does.

Scales are float32 values; where TFLM multiplies them in float32 before it goes
on in double, so does this module, because one bit of a multiplier shows in the
output.
"""

from __future__ import annotations

import math

import attrs
import numpy as np
from numpy.typing import NDArray

from host.models.graph import Activation, Padding, Quantization

INT8_MIN = -128
INT8_MAX = 127
ADD_LEFT_SHIFT = 20
MIN_SHIFT = -31
MAX_SHIFT = 30


class ScalingError(ValueError):
    """Scales whose quotient no kernel can represent."""


def quantize_multiplier(real: float) -> tuple[int, int]:
    """Q0.31 mantissa and shift with ``real = mantissa * 2^(shift-31)`` (QuantizeMultiplier).

    Raises:
        ScalingError: ``real`` is not finite, negative, or 2^30 and more.
    """
    if not math.isfinite(real) or real < 0:
        raise ScalingError(f"scales give the multiplier {real}")
    if real == 0.0:
        return 0, 0
    fraction, shift = math.frexp(real)
    mantissa = math.floor(fraction * (1 << 31) + 0.5)
    if mantissa == 1 << 31:
        mantissa //= 2
        shift += 1
    if shift < MIN_SHIFT:
        return 0, 0
    if shift > MAX_SHIFT:
        raise ScalingError(f"scales give the multiplier {real}")
    return mantissa, shift


def convolution_multipliers(
    input_scale: float, weight_scales: NDArray[np.float32], output_scale: float, channels: int
) -> tuple[NDArray[np.int32], NDArray[np.int8]]:
    """Mantissas int32[channels] and shifts int8[channels]; one weight scale serves all channels."""
    scales = np.broadcast_to(weight_scales, (channels,))
    pairs = [quantize_multiplier(input_scale * float(s) / output_scale) for s in scales]
    return _split(pairs)


def fully_connected_multipliers(
    input_scale: float, weight_scales: NDArray[np.float32], output_scale: float
) -> tuple[NDArray[np.int32], NDArray[np.int8]]:
    """As many mantissas and shifts as weight scales.

    One scale: the product is taken in float32 (TFLM's legacy per-tensor path).
    """
    if len(weight_scales) > 1:
        return convolution_multipliers(input_scale, weight_scales, output_scale, len(weight_scales))
    product = np.float32(input_scale) * weight_scales[0]
    return _split([quantize_multiplier(float(product) / output_scale)])


def _split(pairs: list[tuple[int, int]]) -> tuple[NDArray[np.int32], NDArray[np.int8]]:
    mantissas, shifts = zip(*pairs, strict=True)
    return np.array(mantissas, dtype=np.int32), np.array(shifts, dtype=np.int8)


@attrs.frozen
class AddScaling:
    """Multipliers of ADD: both inputs go to a common scale, left-shifted by 20 bits."""

    input1: tuple[int, int]
    input2: tuple[int, int]
    output: tuple[int, int]


def add_scaling(input1_scale: float, input2_scale: float, output_scale: float) -> AddScaling:
    """Raises ScalingError where TFLM refuses: an output much finer than its inputs."""
    twice_max = 2.0 * max(input1_scale, input2_scale)
    result = AddScaling(
        input1=quantize_multiplier(input1_scale / twice_max),
        input2=quantize_multiplier(input2_scale / twice_max),
        output=quantize_multiplier(twice_max / ((1 << ADD_LEFT_SHIFT) * output_scale)),
    )
    if result.output[1] > 0:
        raise ScalingError("the output's scale is too small for its inputs'")
    return result


def mean_scaling(input_scale: float, output_scale: float, count: int) -> tuple[int, int]:
    """Mantissa and shift of MEAN over ``count`` elements, the division folded in."""
    mantissa, shift = quantize_multiplier(input_scale / output_scale)
    reduction = min(count.bit_length() - 1, 32, 31 + shift)
    return (mantissa << reduction) // count, shift - reduction


def activation_range(activation: Activation, output: Quantization) -> tuple[int, int]:
    """The clamp of an int8 output with a fused activation (CalculateActivationRangeQuantized)."""

    def quantized(real: float) -> int:
        # float32 quotient, rounded half away from zero
        quotient = float(np.float32(real) / np.float32(output.scale))
        return output.zero_point + int(math.copysign(math.floor(abs(quotient) + 0.5), quotient))

    low, high = INT8_MIN, INT8_MAX
    if activation in (Activation.RELU, Activation.RELU6):
        low = max(low, quantized(0.0))
    if activation is Activation.RELU_N1_TO_1:
        low, high = max(low, quantized(-1.0)), min(high, quantized(1.0))
    if activation is Activation.RELU6:
        high = min(high, quantized(6.0))
    return low, high


def window_extent(
    padding: Padding, extent: int, window: int, stride: int, dilation: int
) -> tuple[int, int]:
    """Output extent and padding before, along one dimension (ComputePaddingHeightWidth).

    Where the padding is uneven, the larger part comes after.
    """
    effective = (window - 1) * dilation + 1
    if padding is Padding.VALID:
        return (extent + stride - effective) // stride, 0
    output = (extent + stride - 1) // stride
    total = max(0, (output - 1) * stride + effective - extent)
    return output, total // 2
