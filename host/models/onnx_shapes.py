"""ONNX nodes that move values or join them, and compute none."""

from __future__ import annotations

import numpy as np
import onnx

from host.models.graph import Activation, OpKind
from host.models.onnx_builder import Builder, compose, identity, inverse
from host.models.onnx_windows import attributes_of


def same(b: Builder, node: onnx.NodeProto) -> None:
    """Identity, and Dropout as it is after training."""
    b.define_as(node.output[0], b.value(node.input[0]))


def transpose(b: Builder, node: onnx.NodeProto) -> None:
    """Transpose: another order of the same tensor, nothing moves yet."""
    value = b.value(node.input[0])
    rank = len(value.permutation)
    order = tuple(attributes_of(node).get("perm", range(rank)[::-1]))
    b.define(node.output[0], value.tensor, compose(value.permutation, order))


def reshape(b: Builder, node: onnx.NodeProto) -> None:
    """Reshape, Flatten, Squeeze, Unsqueeze: RESHAPE of the values in the file's order."""
    shape = b.shape(node.output[0])
    source = b.value(node.input[0])
    # Moved by whoever reads it, if at all.
    if len(shape) == 2 and len(source.permutation) > 2 and source.permutation[0] == 0:
        extents = b.tensors[source.tensor].shape
        if shape[0] == extents[0] and source.permutation != identity(len(extents)):
            b.flattened[node.output[0]] = node.input[0]
            return
    tensor = b.plain(node.input[0])
    if b.tensors[tensor].shape == shape:
        b.define(node.output[0], tensor)
        return
    b.define(node.output[0], b.emit(OpKind.RESHAPE, [tensor], shape, node.output[0]))


def concatenation(b: Builder, node: onnx.NodeProto) -> None:
    """Concat: CONCATENATION in the order of the first input."""
    order = b.value(node.input[0]).permutation
    rank = len(order)
    axis = order[attributes_of(node)["axis"] % rank]
    inputs: list[int | None] = [b.arranged(b.value(name), order) for name in node.input]
    shape = tuple(b.shape(node.output[0])[index] for index in inverse(order))
    output = b.emit(
        OpKind.CONCATENATION, inputs, shape, node.output[0], axis=axis, activation=Activation.NONE
    )
    b.define(node.output[0], output, order)


def pad(b: Builder, node: onnx.NodeProto) -> None:
    """Pad with zeros: PAD."""
    values = attributes_of(node)
    if values.get("mode", b"constant") != b"constant":
        b.refuse(node, f"pads by {values['mode'].decode()}; only constant is supported")
    value = b.value(node.input[0])
    rank = len(value.permutation)
    amounts = values.get("pads")
    if amounts is None:
        amounts = [int(amount) for amount in b.constant(node, 1, "pads")]
    fill = values.get("value", 0.0)
    if len(node.input) > 2 and node.input[2]:
        fill = b.constant(node, 2, "value").item()
    if fill != 0.0:
        b.refuse(node, f"pads with {fill:g}; only 0 is supported")
    if len(node.input) > 3 and node.input[3]:
        axes = [int(axis) % rank for axis in b.constant(node, 3, "axes")]
    else:
        axes = list(identity(rank))
    of_file = np.zeros((rank, 2), np.int64)
    of_file[axes] = np.asarray(amounts).reshape(2, len(axes)).T
    if (of_file < 0).any():
        b.refuse(node, "crops (a pad is negative); that is not supported")
    paddings = tuple(
        (int(of_file[axis][0]), int(of_file[axis][1])) for axis in inverse(value.permutation)
    )
    shape = tuple(
        extent + sum(pair)
        for extent, pair in zip(b.tensors[value.tensor].shape, paddings, strict=True)
    )
    output = b.emit(OpKind.PAD, [value.tensor], shape, node.output[0], paddings=paddings)
    b.define(node.output[0], output, value.permutation)
