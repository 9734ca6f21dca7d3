"""What each operator of the graph becomes in an ``.onnx`` file."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from host.arithmetic.scaling import window_extent
from host.models.graph import Activation, Op, OpKind
from host.models.onnx_builder import NCHW, identity, inverse
from host.models.onnx_nodes import Nodes


def _first(op: Op) -> int:
    assert op.inputs[0] is not None  # every importer sees to that
    return op.inputs[0]


def _activation(op: Op) -> Activation:
    activation: Activation = op.attributes["activation"]
    return activation


def _convolution(nodes: Nodes, op: Op) -> None:
    images, weights = _first(op), op.inputs[1]
    assert weights is not None
    data = nodes.data(weights)
    assert data is not None
    if op.kind is OpKind.DEPTHWISE_CONV_2D:
        filters = data.transpose(3, 0, 1, 2)  # [1,KH,KW,Cout] -> [Cout,1,KH,KW]
        groups = nodes.shape(images)[3]
    else:
        filters = data.transpose(0, 3, 1, 2)  # [Cout,KH,KW,Cin] -> [Cout,Cin,KH,KW]
        groups = nodes.shape(images)[3] // data.shape[3]
    inputs = [
        nodes.value(images, NCHW),
        nodes.constant(nodes.graph.tensors[weights].name, filters),
    ]
    bias = op.inputs[2] if len(op.inputs) > 2 else None
    if bias is not None:
        inputs.append(nodes.value(bias))
    window = filters.shape[2:]
    nodes.write(
        "Conv",
        inputs,
        op.outputs[0],
        NCHW,
        _activation(op),
        kernel_shape=window,
        strides=op.attributes["stride"],
        dilations=op.attributes["dilation"],
        group=groups,
        pads=_pads(nodes, op, window, op.attributes["dilation"]),
    )


def _pads(nodes: Nodes, op: Op, window: tuple[int, ...], dilation: tuple[int, int]) -> list[int]:
    """Top, left, bottom, right."""
    before, after = [], []
    extents = nodes.shape(_first(op))[1:3]
    stride, padding = op.attributes["stride"], op.attributes["padding"]
    for extent, size, step, hop in zip(extents, window, stride, dilation, strict=True):
        output, pad = window_extent(padding, extent, size, step, hop)
        before.append(pad)
        after.append(max(0, (output - 1) * step + (size - 1) * hop + 1 - extent - pad))
    return before + after


def _pool(nodes: Nodes, op: Op) -> None:
    window = op.attributes["window"]
    attributes: dict[str, Any] = {
        "kernel_shape": window,
        "strides": op.attributes["stride"],
        "pads": _pads(nodes, op, window, (1, 1)),
    }
    nodes.write(
        "MaxPool" if op.kind is OpKind.MAX_POOL_2D else "AveragePool",
        [nodes.value(_first(op), NCHW)],
        op.outputs[0],
        NCHW,
        _activation(op),
        **attributes,
    )


def _fully_connected(nodes: Nodes, op: Op) -> None:
    """Gemm; of an input with more dimensions than a matrix, each row of its last."""
    weights, bias = op.inputs[1], op.inputs[2] if len(op.inputs) > 2 else None
    assert weights is not None
    columns = nodes.shape(weights)[1]
    output = op.outputs[0]
    name = nodes.graph.tensors[output].name
    source = nodes.value(_first(op))
    shape = nodes.shape(_first(op))
    if len(shape) != 2 or shape[1] != columns:
        source = _reshaped(nodes, source, (-1, columns), f"{name}/rows")
    inputs = [source, nodes.value(weights)]
    if bias is not None:
        inputs.append(nodes.value(bias))
    if len(nodes.shape(output)) == 2:
        nodes.write("Gemm", inputs, output, None, _activation(op), transB=1)
        return
    product = nodes.node("Gemm", inputs, nodes.unique(f"{name}/product"), transB=1)
    target = nodes.constant(f"{name}/shape", np.array(nodes.shape(output), np.int64))
    nodes.write("Reshape", [product, target], output, None, _activation(op))


def _reshaped(nodes: Nodes, source: str, shape: tuple[int, ...], name: str) -> str:
    target = nodes.constant(f"{name}/shape", np.array(shape, np.int64))
    return nodes.node("Reshape", [source, target], nodes.unique(name))


def _elementwise(nodes: Nodes, op: Op) -> None:
    """In the order of the first operand with all dimensions; lower ranks broadcast in the graph's
    order alone."""
    output = op.outputs[0]
    rank = len(nodes.shape(output))
    operands = [index for index in op.inputs if index is not None]
    computed = [index for index in operands if nodes.data(index) is None]
    order = identity(rank)
    if all(len(nodes.shape(index)) == rank for index in computed):
        order = nodes.order_of(computed[0])
    names = []
    for index in operands:
        data = nodes.data(index)
        if data is None or data.ndim == rank:
            names.append(nodes.value(index, order if len(nodes.shape(index)) == rank else None))
        else:
            wide = data.reshape((1,) * (rank - data.ndim) + data.shape)
            names.append(nodes.constant(nodes.graph.tensors[index].name, wide.transpose(order)))
    op_type = "Add" if op.kind is OpKind.ADD else "Mul"
    nodes.write(op_type, names, output, order, _activation(op))


def _map(op_type: str) -> Callable[[Nodes, Op], None]:
    def encode(nodes: Nodes, op: Op) -> None:
        order = nodes.order_of(_first(op))
        nodes.write(op_type, [nodes.value(_first(op), order)], op.outputs[0], order)

    return encode


def _softmax(nodes: Nodes, op: Op) -> None:
    source, beta = nodes.value(_first(op)), op.attributes["beta"]
    if beta != 1.0:
        name = nodes.graph.tensors[op.outputs[0]].name
        factor = nodes.constant(f"{name}/beta", np.array([beta], np.float32))
        source = nodes.node("Mul", [source, factor], nodes.unique(f"{name}/scaled"))
    nodes.write("Softmax", [source], op.outputs[0], axis=-1)


def _mean(nodes: Nodes, op: Op) -> None:
    keep_dims = op.attributes["keep_dims"]
    rank = len(nodes.shape(_first(op)))
    if keep_dims and rank == 4 and set(op.attributes["axes"]) == {1, 2}:
        nodes.write("GlobalAveragePool", [nodes.value(_first(op), NCHW)], op.outputs[0], NCHW)
        return
    order = nodes.order_of(_first(op)) if keep_dims else identity(rank)
    position = inverse(order)
    nodes.write(
        "ReduceMean",
        [nodes.value(_first(op), order)],
        op.outputs[0],
        order if keep_dims else None,
        axes=sorted(position[axis] for axis in op.attributes["axes"]),
        keepdims=int(keep_dims),
    )


def _concatenation(nodes: Nodes, op: Op) -> None:
    inputs = [index for index in op.inputs if index is not None]
    order = nodes.order_of(inputs[0])
    nodes.write(
        "Concat",
        [nodes.value(index, order) for index in inputs],
        op.outputs[0],
        order,
        _activation(op),
        axis=inverse(order)[op.attributes["axis"]],
    )


def _pad(nodes: Nodes, op: Op) -> None:
    order = nodes.order_of(_first(op))
    pairs = [op.attributes["paddings"][axis] for axis in order]
    amounts = np.array([pair[0] for pair in pairs] + [pair[1] for pair in pairs], np.int64)
    name = nodes.constant(f"{nodes.graph.tensors[op.outputs[0]].name}/pads", amounts)
    nodes.write("Pad", [nodes.value(_first(op), order), name], op.outputs[0], order)


def _transpose(nodes: Nodes, op: Op) -> None:
    permutation = op.attributes["permutation"]
    nodes.write("Transpose", [nodes.value(_first(op))], op.outputs[0], perm=permutation)


def _reshape(nodes: Nodes, op: Op) -> None:
    output = op.outputs[0]
    name = f"{nodes.graph.tensors[output].name}/shape"
    target = nodes.constant(name, np.array(nodes.shape(output), np.int64))
    nodes.write("Reshape", [nodes.value(_first(op)), target], output)


ENCODERS: dict[OpKind, Callable[[Nodes, Op], None]] = {
    OpKind.CONV_2D: _convolution,
    OpKind.DEPTHWISE_CONV_2D: _convolution,
    OpKind.FULLY_CONNECTED: _fully_connected,
    OpKind.ADD: _elementwise,
    OpKind.MUL: _elementwise,
    OpKind.AVERAGE_POOL_2D: _pool,
    OpKind.MAX_POOL_2D: _pool,
    OpKind.SOFTMAX: _softmax,
    OpKind.LOGISTIC: _map("Sigmoid"),
    OpKind.HARD_SWISH: _map("HardSwish"),
    OpKind.PAD: _pad,
    OpKind.MEAN: _mean,
    OpKind.CONCATENATION: _concatenation,
    OpKind.TRANSPOSE: _transpose,
    OpKind.RESHAPE: _reshape,
}
"""QUANTIZE and DEQUANTIZE are not among them: a float model has none."""
