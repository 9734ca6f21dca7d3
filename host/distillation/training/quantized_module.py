"""A graph with int8 activations and int8 or int4 weights as a torch module that can be trained."""

from __future__ import annotations

import math
from collections.abc import Sequence

import attrs
import numpy as np
import torch

from host.distillation.training.fake_quantization import ActivationRange, WeightScales, rounded
from host.distillation.training.module import GraphModule
from host.distillation.training.operators import activate, compute
from host.errors import ModelError
from host.models.graph import DType, Graph, Op, OpKind, Quantization, Tensor

_WEIGHED = frozenset({OpKind.CONV_2D, OpKind.DEPTHWISE_CONV_2D, OpKind.FULLY_CONNECTED})
_ONE_SCALE = frozenset(
    {
        OpKind.AVERAGE_POOL_2D,
        OpKind.CONCATENATION,
        OpKind.MAX_POOL_2D,
        OpKind.PAD,
        OpKind.RESHAPE,
        OpKind.TRANSPOSE,
    }
)
"""Kernels that move or compare integers: all of their tensors have one scale."""
_FIXED_OUTPUT = frozenset({OpKind.SOFTMAX, OpKind.LOGISTIC})
"""Kernels whose output is [0, 1) over the whole of int8, whatever is learned."""
_CONVERSIONS = frozenset({OpKind.QUANTIZE, OpKind.DEQUANTIZE})
_LARGEST = {DType.INT8: 127, DType.INT4: 7}
_MOST_BIAS = float(2**31 - 128)
"""The largest int32 that a float32 holds."""


class QuantizedModule(GraphModule):
    """Computes what the integers of a quantized graph stand for, and learns weights and ranges.

    Weights are rounded to their scales' multiples, biases to those of input scale times weight
    scale, and the output of every op to its int8. Differences from the kernels come from their
    fixed-point multipliers alone. Not learned are the ranges of inputs (they are the contract with
    whoever calls) and of SOFTMAX and LOGISTIC outputs (their kernels give nothing else).
    """

    def __init__(self, graph: Graph, quantized: Graph) -> None:
        """
        Args:
            graph: float, whose constants are learned from.
            quantized: the same after post-training quantization, where ranges and scales start.

        Raises:
            ModelError: the two are not the same ops over the same tensors.
        """
        super().__init__(_as_float(graph, quantized))
        self.quantized = quantized
        self._range_of: dict[int, str] = {}
        self._scales_of: dict[int, str] = {}
        self._biases: dict[int, Op] = {}
        self.ranges = torch.nn.ModuleDict()
        self.scales = torch.nn.ModuleDict()
        self._add_scales()
        self._add_ranges()

    def _add_scales(self) -> None:
        for op in self.quantized.ops:
            if op.kind not in _WEIGHED:
                continue
            weights_index = op.inputs[1]
            bias_index = op.inputs[2] if len(op.inputs) > 2 else None
            assert weights_index is not None
            tensor = self.quantized.tensors[weights_index]
            if tensor.data is None or tensor.dtype not in _LARGEST:
                raise ModelError(
                    f"{self.graph.name}: weights {tensor.name!r} are computed, or not quantized"
                )
            key = str(weights_index)
            self.scales[key] = WeightScales(
                _quantization(tensor), len(tensor.shape), _LARGEST[tensor.dtype]
            )
            self._scales_of[weights_index] = key
            if bias_index is not None:
                self._biases[bias_index] = op

    def _add_ranges(self) -> None:
        graph = self.quantized
        fixed = {op.outputs[0] for op in graph.ops if op.kind in _FIXED_OUTPUT}
        fixed |= set(graph.inputs)
        for members in _groups(graph):
            key = str(min(members))
            start = _quantization(graph.tensors[min(members)])
            self.ranges[key] = ActivationRange(start, learned=not fixed & members)
            self._range_of |= dict.fromkeys(members, key)

    # What an inference is made of

    def entered(self, index: int, values: torch.Tensor) -> torch.Tensor:
        if index not in self._range_of:
            return values
        # The host converts inputs with NumPy's rounding.
        return self.ranges[self._range_of[index]](values, half_to_even=True)

    def constant(self, index: int) -> torch.Tensor:
        values = super().constant(index)
        if index in self._scales_of:
            return self.scales[self._scales_of[index]](values)
        if index in self._biases:
            return self._bias_steps(index) * self._accumulator_unit(self._biases[index])
        if index in self._range_of:
            return self.ranges[self._range_of[index]](values, half_to_even=True)
        return values

    def computed(self, op: Op, operands: Sequence[torch.Tensor | None]) -> torch.Tensor:
        output = op.outputs[0]
        if op.kind in _CONVERSIONS:
            assert operands[0] is not None
            values = operands[0]
        elif op.kind is OpKind.AVERAGE_POOL_2D:
            values = self._averaged(op, operands)
        else:
            values = compute(self.graph, op, operands)
        if output not in self._range_of:
            return values
        return self.ranges[self._range_of[output]](values, unit=self._unit(op))

    def _averaged(self, op: Op, operands: Sequence[torch.Tensor | None]) -> torch.Tensor:
        """Means as the kernel takes them, of integers: half of them may lie between two steps, and
        which way these are rounded depends on the zero point."""
        (values,) = operands
        assert values is not None
        scale, zero_point = self.ranges[self._range_of[op.outputs[0]]].scale_and_zero_point()
        plain = attrs.evolve(
            op, attributes={k: v for k, v in op.attributes.items() if k != "activation"}
        )
        steps = rounded(values / scale) + zero_point
        means = rounded(compute(self.graph, plain, [steps]))
        return activate(op, (means - zero_point) * scale)

    def _unit(self, op: Op) -> torch.Tensor | None:
        """What the op's kernel multiplies by is the ratio of this to the output's scale."""
        if op.kind in _WEIGHED:
            return self._accumulator_unit(op)
        if op.kind is OpKind.MUL:
            return self._scale_at(op, 0) * self._scale_at(op, 1)
        if op.kind is OpKind.MEAN:
            assert op.inputs[0] is not None
            shape = self.graph.tensors[op.inputs[0]].shape
            count = math.prod(shape[axis] for axis in op.attributes["axes"])
            # A division by the count is in the mantissa, its power of two in the shift.
            return self._scale_at(op, 0) / float(1 << (count.bit_length() - 1))
        return None

    def _scale_at(self, op: Op, position: int) -> torch.Tensor:
        index = op.inputs[position]
        assert index is not None
        scale, _ = self.ranges[self._range_of[index]].scale_and_zero_point()
        return scale

    def _accumulator_unit(self, op: Op) -> torch.Tensor:
        """What 1 in an accumulator stands for, float32 [1] or [channels]; biases have it too."""
        weights = op.inputs[1]
        assert weights is not None
        return self._scale_at(op, 0) * self.scales[self._scales_of[weights]].now()

    # What is trained, and what comes of it

    def range_parameters(self) -> list[torch.nn.Parameter]:
        """Of scales and ranges: relative changes, which learn faster than weights."""
        return [
            parameter
            for each in (self.ranges, self.scales)
            for parameter in each.parameters()
            if parameter.requires_grad
        ]

    def to_quantized_graph(self) -> Graph:
        """The quantized graph with what was learned: constants, scales and zero points."""
        tensors = list(self.quantized.tensors)
        with torch.no_grad():
            for index, key in self._range_of.items():
                quantization = self.ranges[key].quantization()
                data = None
                if tensors[index].data is not None:
                    real = super().constant(index).numpy()
                    steps = np.round(real / quantization.scales[0]) + quantization.zero_point
                    data = np.clip(steps, -128, 127).astype(np.int8)
                tensors[index] = attrs.evolve(tensors[index], quantization=quantization, data=data)
            for index, key in self._scales_of.items():
                steps = self.scales[key].steps(super().constant(index)).numpy()
                tensors[index] = attrs.evolve(
                    tensors[index],
                    quantization=self.scales[key].quantization(),
                    data=steps.astype(np.int8),
                )
            for index in self._biases:
                tensors[index] = self._exported_bias(tensors[index], index)
        read = {index for op in self.quantized.ops for index in op.inputs}
        for index, tensor in enumerate(tensors):
            if tensor.data is not None and index not in read:  # it became an attribute
                tensors[index] = attrs.evolve(tensor, data=None)
        return attrs.evolve(self.quantized, tensors=tensors)

    def _bias_steps(self, index: int) -> torch.Tensor:
        """The integers of a bias, as float32."""
        steps = super().constant(index) / self._accumulator_unit(self._biases[index])
        return torch.clamp(rounded(steps, half_to_even=True), -_MOST_BIAS, _MOST_BIAS)

    def _exported_bias(self, tensor: Tensor, index: int) -> Tensor:
        scales = self._accumulator_unit(self._biases[index])
        data = self._bias_steps(index).numpy().astype(np.int32)
        zero_points = np.zeros(len(scales), np.int64)
        return attrs.evolve(
            tensor, quantization=Quantization(scales.numpy().copy(), zero_points), data=data
        )


def _as_float(graph: Graph, quantized: Graph) -> Graph:
    """``quantized`` with the constants of ``graph``, all in float32.

    Raises:
        ModelError: the two are not the same ops.
    """
    tensors = [
        attrs.evolve(tensor, dtype=DType.FLOAT32, quantization=None)
        if tensor.quantization is not None
        else tensor
        for tensor in quantized.tensors
    ]
    ops = [op for op in quantized.ops if op.kind not in _CONVERSIONS]
    if [op.kind for op in ops] != [op.kind for op in graph.ops]:
        raise ModelError(f"{graph.name}: its quantized form has other ops")
    for op, original in zip(ops, graph.ops, strict=True):
        for index, source in zip(op.inputs, original.inputs, strict=True):
            if index is None or source is None or tensors[index].data is None:
                continue
            data = graph.tensors[source].data
            if data is None or data.shape != tensors[index].shape:
                raise ModelError(f"{graph.name}: {tensors[index].name!r} is another constant")
            tensors[index] = attrs.evolve(tensors[index], data=data)
    return attrs.evolve(quantized, name=graph.name, tensors=tensors)


def _groups(graph: Graph) -> list[set[int]]:
    """Int8 tensors that flow between ops, those together that have one scale.

    Raises:
        ModelError: tensors that must have one scale have several.
    """
    parent: dict[int, int] = {}

    def root(index: int) -> int:
        while parent.setdefault(index, index) != index:
            index = parent[index]
        return index

    for index in graph.inputs:
        root(index)
    for op in graph.ops:
        operands = op.inputs[:1] if op.kind in _WEIGHED else op.inputs
        flowing = [index for index in (*operands, *op.outputs) if index is not None]
        for index in flowing:
            root(index)
            if op.kind in _ONE_SCALE:
                parent[root(index)] = root(flowing[0])
    groups: dict[int, set[int]] = {}
    for index in parent:
        if graph.tensors[index].dtype is DType.INT8:
            groups.setdefault(root(index), set()).add(index)
    for members in groups.values():
        found = {
            (each.scale, each.zero_point)
            for each in (_quantization(graph.tensors[index]) for index in members)
        }
        if len(found) > 1:
            names = ", ".join(repr(graph.tensors[index].name) for index in sorted(members))
            raise ModelError(f"{graph.name}: {names} must have one scale, and have {len(found)}")
    return list(groups.values())


def _quantization(tensor: Tensor) -> Quantization:
    if tensor.quantization is None:
        raise ModelError(f"tensor {tensor.name!r} is {tensor.dtype} without a quantization")
    return tensor.quantization
