"""ADD and MUL of int8 values, as TFLM's reference kernels compute them."""

from __future__ import annotations

import attrs
import numpy as np
from numpy.typing import ArrayLike, NDArray

from host.arithmetic.fixed_point import multiply_by_quantized_multiplier, wrap_int32
from host.arithmetic.scaling import (
    ADD_LEFT_SHIFT,
    AddScaling,
    activation_range,
    add_scaling,
    quantize_multiplier,
)
from host.models.graph import Activation, Quantization


@attrs.frozen
class Elementwise:
    """One ADD or MUL, its scales turned into integers."""

    input1_zero_point: int
    input2_zero_point: int
    output_zero_point: int
    activation_min: int
    activation_max: int
    scaling: AddScaling | tuple[int, int]
    """AddScaling for ADD; mantissa and shift of the product for MUL."""

    @classmethod
    def add(
        cls, input1: Quantization, input2: Quantization, output: Quantization, fused: Activation
    ) -> Elementwise:
        """Raises ScalingError where the scales cannot be represented."""
        scaling = add_scaling(input1.scale, input2.scale, output.scale)
        return cls._make(input1, input2, output, fused, scaling)

    @classmethod
    def mul(
        cls, input1: Quantization, input2: Quantization, output: Quantization, fused: Activation
    ) -> Elementwise:
        """Raises ScalingError where the scales cannot be represented."""
        scaling = quantize_multiplier(input1.scale * input2.scale / output.scale)
        return cls._make(input1, input2, output, fused, scaling)

    @classmethod
    def _make(
        cls,
        input1: Quantization,
        input2: Quantization,
        output: Quantization,
        fused: Activation,
        scaling: AddScaling | tuple[int, int],
    ) -> Elementwise:
        low, high = activation_range(fused, output)
        return cls(
            input1_zero_point=input1.zero_point,
            input2_zero_point=input2.zero_point,
            output_zero_point=output.zero_point,
            activation_min=low,
            activation_max=high,
            scaling=scaling,
        )

    def evaluate(self, input1: ArrayLike, input2: ArrayLike) -> NDArray[np.int8]:
        """The int8 result for int8 operands, which broadcast."""
        centred1 = np.asarray(input1, dtype=np.int64) - self.input1_zero_point
        centred2 = np.asarray(input2, dtype=np.int64) - self.input2_zero_point
        if isinstance(self.scaling, AddScaling):
            scaled1 = multiply_by_quantized_multiplier(
                centred1 << ADD_LEFT_SHIFT, *self.scaling.input1
            )
            scaled2 = multiply_by_quantized_multiplier(
                centred2 << ADD_LEFT_SHIFT, *self.scaling.input2
            )
            result = multiply_by_quantized_multiplier(
                wrap_int32(scaled1 + scaled2), *self.scaling.output
            )
        else:
            result = multiply_by_quantized_multiplier(centred1 * centred2, *self.scaling)
        return np.clip(
            result + self.output_zero_point, self.activation_min, self.activation_max
        ).astype(np.int8)
