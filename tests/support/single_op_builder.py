"""What the strategies of single_op_models.py build models with."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import attrs
import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from host.models.graph import DType, Graph, Op, OpKind, Quantization, Tensor
from host.models.tflite_writer import write_float_tflite


@attrs.frozen
class SingleOpModel:
    """A model of one op; ``inputs`` fit it, int8, one array an input."""

    graph: Graph
    tflite: bytes
    inputs: tuple[NDArray[np.int8], ...]

    def __repr__(self) -> str:
        op = self.graph.ops[0]
        shapes = [self.graph.tensors[index].shape for index in op.inputs if index is not None]
        return f"{op.kind} {shapes} -> {self.graph.tensors[op.outputs[0]].shape} {op.attributes}"


class ModelBuilder:
    """Collects tensors of one model."""

    def __init__(self, seed: int, weights: DType = DType.INT8) -> None:
        self.random = np.random.default_rng(seed)
        self.weights = weights
        self.extreme = seed % 4 == 0
        self.tensors: list[Tensor] = []

    def activation(self, name: str, shape: Sequence[int], scale: float, zero_point: int) -> int:
        return self._add(Tensor(name, tuple(shape), DType.INT8, quantized([scale], [zero_point])))

    def constant(
        self, name: str, data: NDArray[Any], dtype: DType, quantization: Quantization
    ) -> int:
        return self._add(Tensor(name, data.shape, dtype, quantization, data))

    def _add(self, tensor: Tensor) -> int:
        self.tensors.append(tensor)
        return len(self.tensors) - 1

    def int8(self, shape: Sequence[int]) -> NDArray[np.int8]:
        if self.extreme:  # where sums of products reach the ends of their halves
            return self.random.choice(np.int8([-128, -128, -128, -127, 127]), size=tuple(shape))
        return self.random.integers(-128, 128, size=tuple(shape)).astype(np.int8)

    def weight_values(self, shape: Sequence[int]) -> NDArray[np.int8]:
        if self.weights is DType.INT8:
            return self.int8(shape)
        values = [-8, -8, -8, -7, 7] if self.extreme else range(-8, 8)
        return self.random.choice(np.array(values, np.int8), size=tuple(shape))

    def model(
        self, kind: OpKind, inputs: list[int], output: int, attributes: dict[str, Any]
    ) -> SingleOpModel:
        variable = [index for index in inputs if self.tensors[index].data is None]
        graph = Graph(
            name=str(kind).lower(),
            tensors=self.tensors,
            ops=[Op(kind, list(inputs), [output], attributes, name=self.tensors[output].name)],
            inputs=list(dict.fromkeys(variable)),
            outputs=[output],
            source_format="tflite",
        )
        values = tuple(self.int8(self.tensors[index].shape) for index in graph.inputs)
        return SingleOpModel(graph, write_float_tflite(graph), values)


def quantized(scales: Sequence[float], zero_points: Sequence[int], axis: int = 0) -> Quantization:
    return Quantization(np.array(scales, np.float32), np.array(zero_points, np.int64), axis)


def draw_parameters(
    draw: st.DrawFn,
    build: ModelBuilder,
    source: int,
    weight_shape: tuple[int, ...],
    axis: int,
    channels: int,
    patch: int,
) -> tuple[list[int], float]:
    """Indices of source, weights and perhaps a bias; an output scale that fits them."""
    source_q = build.tensors[source].quantization
    assert source_q is not None
    # TFLM has no FULLY_CONNECTED of int4 weights with a scale a channel.
    per_channel = draw(st.booleans()) and (build.weights is DType.INT8 or len(weight_shape) > 2)
    count = channels if per_channel else 1
    base = draw(st.floats(2**-10, 0.125, width=32))
    weight_scales = base * build.random.uniform(0.5, 1.5, count)
    weights = build.constant(
        "weights",
        build.weight_values(weight_shape),
        build.weights,
        quantized(weight_scales, [0] * count, axis if per_channel else 0),
    )
    inputs = [source, weights]
    # Standard deviations: of an input, of a weight, and so of the accumulator.
    spread = 74.0 * (74.0 if build.weights is DType.INT8 else 4.6) * math.sqrt(patch)
    if draw(st.booleans()):
        bias = build.random.integers(-int(spread), int(spread) + 1, channels).astype(np.int32)
        bias_scales = np.float32(source_q.scale) * weight_scales.astype(np.float32)
        inputs.append(
            build.constant("bias", bias, DType.INT32, quantized(bias_scales, [0] * count))
        )
    width = draw(st.floats(0.5, 3.0))
    return inputs, source_q.scale * base * spread * width / 64.0
