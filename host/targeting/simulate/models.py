"""Builds int8 graphs with seeded weights, for sweeps: an op, or a chain of ops."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from host.models.graph import (
    Activation,
    DType,
    Graph,
    Op,
    OpKind,
    Padding,
    Quantization,
    Tensor,
)

_PRODUCT_DEVIATION = 74.0 * 73.0
"""Of an input times a weight, both uniform over int8."""
_PROBABILITY = (1.0 / 256.0, -128)
"""What SOFTMAX and LOGISTIC give."""
Pair = tuple[int, int]


def _quantization(scales: ArrayLike, zero_points: Sequence[int], axis: int) -> Quantization:
    return Quantization(np.array(scales, np.float32), np.array(zero_points, np.int64), axis)


class GraphBuilder:
    """Adds ops one after another; every method returns its output's tensor index.

    Scales are such that outputs use most of int8 and a few saturate, as those of a quantized
    network do; weights are within -127..127, as quantizers leave them.
    """

    def __init__(self, seed: int, name: str = "sweep") -> None:
        self._random = np.random.default_rng(seed)
        self._name = name
        self._tensors: list[Tensor] = []
        self._ops: list[Op] = []
        self._inputs: list[int] = []

    def build(self, *outputs: int) -> Graph:
        return Graph(
            name=self._name,
            tensors=self._tensors,
            ops=self._ops,
            inputs=self._inputs,
            outputs=list(outputs),
            source_format="generated",
        )

    def shape(self, tensor: int) -> tuple[int, ...]:
        return self._tensors[tensor].shape

    def input(self, shape: Sequence[int], scale: float = 0.05, zero_point: int = -1) -> int:
        self._inputs.append(self._activation(shape, scale, zero_point))
        return self._inputs[-1]

    def convolution(
        self,
        source: int,
        channels: int,
        kernel: Pair,
        *,
        stride: Pair = (1, 1),
        dilation: Pair = (1, 1),
        padding: Padding = Padding.SAME,
        groups: int = 1,
    ) -> int:
        """CONV_2D."""
        batch, height, width, input_c = self.shape(source)
        depth = input_c // groups
        inputs, scale = self._weighted(
            source, (channels, *kernel, depth), 0, math.prod(kernel) * depth
        )
        extents = _extents((height, width), kernel, stride, dilation, padding)
        attributes = {
            "padding": padding,
            "stride": stride,
            "dilation": dilation,
            "activation": Activation.RELU,
        }
        output = self._activation((batch, *extents, channels), scale, -128)
        return self._add(OpKind.CONV_2D, inputs, output, attributes)

    def depthwise(
        self,
        source: int,
        kernel: Pair,
        *,
        multiplier: int = 1,
        stride: Pair = (1, 1),
        dilation: Pair = (1, 1),
        padding: Padding = Padding.SAME,
    ) -> int:
        """DEPTHWISE_CONV_2D."""
        batch, height, width, input_c = self.shape(source)
        channels = input_c * multiplier
        inputs, scale = self._weighted(source, (1, *kernel, channels), 3, math.prod(kernel))
        extents = _extents((height, width), kernel, stride, dilation, padding)
        attributes = {
            "padding": padding,
            "stride": stride,
            "dilation": dilation,
            "activation": Activation.RELU,
            "depth_multiplier": multiplier,
        }
        output = self._activation((batch, *extents, channels), scale, -128)
        return self._add(OpKind.DEPTHWISE_CONV_2D, inputs, output, attributes)

    def fully_connected(self, source: int, outputs: int, *, rows: int = 1) -> int:
        """FULLY_CONNECTED over the whole of ``source``, as ``rows`` rows."""
        size = self._tensors[source].elements // rows
        inputs, scale = self._weighted(source, (outputs, size), 0, size)
        output = self._activation((rows, outputs), scale, 3)
        attributes = {"activation": Activation.NONE, "keep_num_dims": False}
        return self._add(OpKind.FULLY_CONNECTED, inputs, output, attributes)

    def elementwise(self, kind: OpKind, first: int, second: int) -> int:
        """ADD or MUL."""
        scales = [self._scale(tensor) for tensor in (first, second)]
        scale = sum(scales) / 1.5 if kind is OpKind.ADD else math.prod(scales) * 64.0
        shape = np.broadcast_shapes(self.shape(first), self.shape(second))
        output = self._activation(shape, scale, 5)
        return self._add(kind, [first, second], output, {"activation": Activation.NONE})

    def constant(self, shape: Sequence[int]) -> int:
        """An operand in the plan; int8, of more than one value."""
        data = self._weights(shape)
        data.flat[0], data.flat[-1] = -100, 100
        return self._tensor(tuple(shape), DType.INT8, _quantization([0.04], [2], 0), data)

    def pool(self, kind: OpKind, source: int, window: Pair, stride: Pair, padding: Padding) -> int:
        """AVERAGE_POOL_2D or MAX_POOL_2D."""
        batch, height, width, channels = self.shape(source)
        extents = _extents((height, width), window, stride, (1, 1), padding)
        output = self._like(source, (batch, *extents, channels))
        attributes = {
            "padding": padding,
            "stride": stride,
            "window": window,
            "activation": Activation.NONE,
        }
        return self._add(kind, [source], output, attributes)

    def lookup(self, kind: OpKind, source: int) -> int:
        """LOGISTIC, HARD_SWISH or QUANTIZE."""
        target = _PROBABILITY if kind is OpKind.LOGISTIC else (self._scale(source) * 1.3, -20)
        return self._add(kind, [source], self._activation(self.shape(source), *target), {})

    def softmax(self, source: int) -> int:
        output = self._activation(self.shape(source), *_PROBABILITY)
        return self._add(OpKind.SOFTMAX, [source], output, {"beta": 1.0})

    def pad(self, source: int, paddings: Sequence[Pair]) -> int:
        shape = [
            before + extent + after
            for extent, (before, after) in zip(self.shape(source), paddings, strict=True)
        ]
        output = self._like(source, shape)
        return self._add(OpKind.PAD, [source], output, {"paddings": tuple(paddings)})

    def mean(self, source: int, axes: Sequence[int]) -> int:
        shape = [extent for axis, extent in enumerate(self.shape(source)) if axis not in axes]
        output = self._activation(shape, self._scale(source) / 2.0, -3)
        return self._add(OpKind.MEAN, [source], output, {"axes": tuple(axes), "keep_dims": False})

    def concatenation(self, sources: Sequence[int], axis: int) -> int:
        shape = list(self.shape(sources[0]))
        shape[axis] = sum(self.shape(source)[axis] for source in sources)
        attributes = {"axis": axis, "activation": Activation.NONE}
        output = self._like(sources[0], shape)
        return self._add(OpKind.CONCATENATION, list(sources), output, attributes)

    def transpose(self, source: int, permutation: Sequence[int]) -> int:
        shape = [self.shape(source)[axis] for axis in permutation]
        output = self._like(source, shape)
        return self._add(OpKind.TRANSPOSE, [source], output, {"permutation": tuple(permutation)})

    def reshape(self, source: int, shape: Sequence[int]) -> int:
        return self._add(OpKind.RESHAPE, [source], self._like(source, shape), {})

    def _scale(self, tensor: int) -> float:
        quantization = self._tensors[tensor].quantization
        assert quantization is not None
        return quantization.scale

    def _weights(self, shape: Sequence[int]) -> NDArray[np.int8]:
        return self._random.integers(-127, 128, size=tuple(shape)).astype(np.int8)

    def _weighted(
        self, source: int, shape: tuple[int, ...], axis: int, products: int
    ) -> tuple[list[int | None], float]:
        """Source, weights and bias; an output scale that fits the sum of ``products``."""
        channels = shape[axis]
        base = 0.005
        scales = base * self._random.uniform(0.5, 1.5, channels)
        weights = self._tensor(
            shape, DType.INT8, _quantization(scales, [0] * channels, axis), self._weights(shape)
        )
        deviation = _PRODUCT_DEVIATION * math.sqrt(products)
        limit = int(deviation)
        bias = self._random.integers(-limit, limit + 1, channels).astype(np.int32)
        bias_q = _quantization(self._scale(source) * scales, [0] * channels, 0)
        bias_index = self._tensor((channels,), DType.INT32, bias_q, bias)
        return [source, weights, bias_index], self._scale(source) * base * deviation / 64.0

    def _like(self, source: int, shape: Sequence[int]) -> int:
        return self._tensor(tuple(shape), DType.INT8, self._tensors[source].quantization)

    def _activation(self, shape: Sequence[int], scale: float, zero_point: int) -> int:
        return self._tensor(tuple(shape), DType.INT8, _quantization([scale], [zero_point], 0))

    def _tensor(
        self,
        shape: tuple[int, ...],
        dtype: DType,
        quantization: Quantization | None,
        data: NDArray[Any] | None = None,
    ) -> int:
        index = len(self._tensors)
        self._tensors.append(Tensor(f"tensor_{index}", shape, dtype, quantization, data))
        return index

    def _add(
        self, kind: OpKind, inputs: Sequence[int | None], output: int, attributes: dict[str, Any]
    ) -> int:
        name = self._tensors[output].name
        self._ops.append(Op(kind, list(inputs), [output], attributes, name=name))
        return output


def _extents(extents: Pair, window: Pair, stride: Pair, dilation: Pair, padding: Padding) -> Pair:
    """Of an output, as TensorFlow defines them."""
    height, width = (
        -(-extent // step)
        if padding is Padding.SAME
        else (extent - (size - 1) * hop - 1) // step + 1
        for extent, size, step, hop in zip(extents, window, stride, dilation, strict=True)
    )
    return height, width
