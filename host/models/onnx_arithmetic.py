"""ONNX nodes that multiply matrices, combine values, or map each one."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from host.models.graph import Activation, OpKind
from host.models.onnx_builder import Builder, Permutation, Value, identity, inverse
from host.models.onnx_windows import attributes_of


def gemm(b: Builder, node: onnx.NodeProto) -> None:
    """Gemm with constant weights: FULLY_CONNECTED; alpha and beta go into them."""
    values = attributes_of(node)
    if values.get("transA", 0):
        b.refuse(node, "has transA; transpose the input outside")
    weights = b.constant(node, 1, "weights")
    rows = weights if values.get("transB", 0) else weights.T
    bias = np.zeros(len(rows))
    if len(node.input) > 2 and node.input[2]:
        addend = b.constant(node, 2, "bias")
        if addend.size not in (1, len(rows)):
            b.refuse(node, f"adds {list(addend.shape)}; {[len(rows)]} is supported")
        bias = bias + values.get("beta", 1.0) * addend.reshape(-1)
    _fully_connected(b, node, values.get("alpha", 1.0) * rows, bias)


def mat_mul(b: Builder, node: onnx.NodeProto) -> None:
    """MatMul by a constant matrix: FULLY_CONNECTED."""
    weights = b.constant(node, 1, "second factor")
    ranks = len(b.shape(node.input[0])), weights.ndim
    if ranks[0] < 2 or ranks[1] != 2:
        b.refuse(node, f"multiplies {ranks[0]} by {ranks[1]} dimensions; 2 or more by 2 work")
    _fully_connected(b, node, weights.T, np.zeros(weights.shape[1]))


def _fully_connected(
    b: Builder, node: onnx.NodeProto, rows: NDArray[Any], bias: NDArray[Any]
) -> None:
    shape = b.shape(node.output[0])
    source = b.flattened.get(node.input[0])
    if source is None:
        tensor = b.plain(node.input[0])
    else:
        value = b.value(source)
        extents = b.shape(source)
        order = inverse(value.permutation)
        columns = np.arange(rows.shape[1]).reshape(1, *extents[1:]).transpose(order)
        rows = rows[:, columns.reshape(-1)]
        flat = b.shape(node.input[0])
        tensor = b.emit(OpKind.RESHAPE, [value.tensor], flat, f"{node.output[0]}/flat")
    inputs: list[int | None] = [
        tensor,
        b.add_constant(node.input[1], rows),
        b.add_constant(f"{node.output[0]}/bias", bias),
    ]
    output = b.emit(
        OpKind.FULLY_CONNECTED,
        inputs,
        shape,
        node.output[0],
        activation=Activation.NONE,
        keep_num_dims=len(shape) > 2,
    )
    b.define(node.output[0], output)


def binary(b: Builder, node: onnx.NodeProto) -> None:
    """Add, Mul; Sub and Div by a constant."""
    left, right = node.input[0], node.input[1]
    for gate, gated in ((left, right), (right, left)):
        if node.op_type == "Mul" and b.hard_sigmoids.get(gate) == gated:
            _map(b, OpKind.HARD_SWISH, gated, node.output[0])
            return
    kind = OpKind.ADD if node.op_type in ("Add", "Sub") else OpKind.MUL
    if node.op_type in ("Sub", "Div"):
        data = b.constant(node, 1, "second operand")
        if node.op_type == "Div" and not data.all():
            b.refuse(node, "divides by a constant that holds 0")
        right = f"{right}/{'negative' if node.op_type == 'Sub' else 'reciprocal'}"
        b.constants[right] = -data if node.op_type == "Sub" else 1.0 / data
    rank = len(b.shape(node.output[0]))
    order = _common_order(b, (left, right), rank)
    operands: list[int | None] = [_operand(b, name, rank, order) for name in (left, right)]
    shape = tuple(b.shape(node.output[0])[axis] for axis in inverse(order))
    output = b.emit(kind, operands, shape, node.output[0], activation=Activation.NONE)
    b.define(node.output[0], output, order)


def _common_order(b: Builder, names: tuple[str, str], rank: int) -> Permutation:
    """The order of the first computed operand of that rank: constants are moved for nothing."""
    computed = [b.value(name) for name in names if not b.is_constant(name)]
    return next(
        (value.permutation for value in computed if len(value.permutation) == rank), identity(rank)
    )


def _operand(b: Builder, name: str, rank: int, order: Permutation) -> int:
    """The operand in that order; one of lower rank gets leading ones, as a broadcast gives it."""
    if b.is_constant(name):
        data = b.constants[name]
        widened = data.reshape((1,) * (rank - data.ndim) + data.shape)
        return b.add_constant(name, widened.transpose(inverse(order)))
    value = b.value(name)
    if len(value.permutation) < rank:
        tensor = b.plain(name)
        shape = (1,) * (rank - len(value.permutation)) + b.tensors[tensor].shape
        wide = b.emit(OpKind.RESHAPE, [tensor], shape, f"{name}/wide")
        value = Value(wide, identity(rank))
    return b.arranged(value, order)


def batch_normalization(b: Builder, node: onnx.NodeProto) -> None:
    """BatchNormalization that no convolution before it has taken up: MUL and ADD."""
    scale, offset, mean, variance = (
        b.constant(node, position, what)
        for position, what in ((1, "scale"), (2, "bias"), (3, "mean"), (4, "variance"))
    )
    if attributes_of(node).get("training_mode", 0):
        b.refuse(node, "is in training mode; export the model after eval()")
    factor = scale / np.sqrt(variance + attributes_of(node).get("epsilon", 1e-5))
    value = b.value(node.input[0])
    rank = len(value.permutation)
    shape = b.tensors[value.tensor].shape
    tensor = value.tensor
    for kind, constant in ((OpKind.MUL, factor), (OpKind.ADD, offset - mean * factor)):
        name = f"{node.output[0]}/{'scale' if kind is OpKind.MUL else 'offset'}"
        along_channels = constant.reshape((1, -1) + (1,) * (rank - 2))
        data = b.add_constant(name, along_channels.transpose(inverse(value.permutation)))
        last = node.output[0] if kind is OpKind.ADD else f"{node.output[0]}/scaled"
        tensor = b.emit(kind, [tensor, data], shape, last, activation=Activation.NONE)
    b.define(node.output[0], tensor, value.permutation)


def relu(b: Builder, node: onnx.NodeProto) -> None:
    b.activate(node, Activation.RELU)


_CLIPS = {
    (0.0, 6.0): Activation.RELU6,
    (-1.0, 1.0): Activation.RELU_N1_TO_1,
    (0.0, np.inf): Activation.RELU,
}


def clip(b: Builder, node: onnx.NodeProto) -> None:
    """Clip to what a fused activation does."""
    values = attributes_of(node)
    low, high = values.get("min", -np.inf), values.get("max", np.inf)
    if len(node.input) > 1 and node.input[1]:
        low = b.constant(node, 1, "minimum").item()
    if len(node.input) > 2 and node.input[2]:
        high = b.constant(node, 2, "maximum").item()
    if (low, high) == (-np.inf, np.inf):
        b.define_as(node.output[0], b.value(node.input[0]))
        return
    activation = _CLIPS.get((low, high))
    if activation is None:
        known = ", ".join(f"[{a:g}, {z:g}]" for a, z in _CLIPS)
        b.refuse(node, f"clips to [{low:g}, {high:g}]; supported: {known}")
    b.activate(node, activation)


def unary(b: Builder, node: onnx.NodeProto) -> None:
    """Sigmoid: LOGISTIC. HardSwish."""
    kind = OpKind.LOGISTIC if node.op_type == "Sigmoid" else OpKind.HARD_SWISH
    _map(b, kind, node.input[0], node.output[0])


def _map(b: Builder, kind: OpKind, source: str, target: str) -> None:
    value = b.value(source)
    output = b.emit(kind, [value.tensor], b.tensors[value.tensor].shape, target)
    b.define(target, output, value.permutation)


_SIXTH = np.float32(1.0 / 6.0)


def hard_sigmoid(b: Builder, node: onnx.NodeProto) -> None:
    """HardSigmoid as HardSwish has it; multiplied by its own input it is that."""
    values = attributes_of(node)
    slope, offset = np.float32(values.get("alpha", 0.2)), values.get("beta", 0.5)
    if abs(slope - _SIXTH) > np.spacing(_SIXTH) or offset != 0.5:
        b.refuse(node, f"has slope {slope:g} and offset {offset:g}; 1/6 and 0.5 are supported")
    b.hard_sigmoids[node.output[0]] = node.input[0]


def softmax(b: Builder, node: onnx.NodeProto) -> None:
    """Softmax over the last dimension of the file's order, or what can be moved there."""
    shape = b.shape(node.input[0])
    rank = len(shape)
    axis = attributes_of(node).get("axis", 1 if b.opset < 13 else -1) % rank
    if b.opset < 13:
        # Over all of the dimensions from `axis` on, as one; at most one of them may be real.
        real = [index for index in range(axis, rank) if shape[index] > 1]
        if len(real) > 1:
            b.refuse(node, f"is over dimensions {real} at once (operator set {b.opset})")
        axis = real[0] if real else axis
    value = b.value(node.input[0])
    # The graph's last dimension is to be the file's `axis`.
    if value.permutation[axis] == rank - 1:
        order = value.permutation
    else:
        rest = [index for index in range(rank) if index != axis]
        order = inverse((*rest, axis))
    tensor = b.arranged(value, order)
    output = b.emit(OpKind.SOFTMAX, [tensor], b.tensors[tensor].shape, node.output[0], beta=1.0)
    b.define(node.output[0], output, order)


def reduce_mean(b: Builder, node: onnx.NodeProto) -> None:
    """ReduceMean: MEAN."""
    values = attributes_of(node)
    shape = b.shape(node.input[0])
    rank = len(shape)
    axes = values.get("axes")
    if axes is None and len(node.input) > 1 and node.input[1]:
        axes = [int(axis) for axis in b.constant(node, 1, "axes")]
    if not axes and values.get("noop_with_empty_axes", 0):
        b.define_as(node.output[0], b.value(node.input[0]))
        return
    if not axes:
        axes = list(range(rank))
    keep_dims = bool(values.get("keepdims", 1))
    value = b.value(node.input[0])
    reduced = {axis % rank for axis in axes}
    if keep_dims:
        order, kept = value.permutation, value.permutation
    else:
        order = identity(rank)
        kept = identity(rank - len(reduced))
    tensor = b.arranged(value, order)
    graph_axes = tuple(sorted(order[axis] for axis in reduced))
    output_shape = tuple(
        1 if index in graph_axes else extent
        for index, extent in enumerate(b.tensors[tensor].shape)
        if keep_dims or index not in graph_axes
    )
    output = b.emit(
        OpKind.MEAN, [tensor], output_shape, node.output[0], axes=graph_axes, keep_dims=keep_dims
    )
    b.define(node.output[0], output, kept)
