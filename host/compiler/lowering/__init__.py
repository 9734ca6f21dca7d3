"""Graph ops to plan ops; one module a family of kernels."""

from __future__ import annotations

from collections.abc import Callable

from host.arithmetic.scaling import ScalingError
from host.compiler.lowering import (
    convolution,
    elementwise,
    fully_connected,
    lookup,
    pooling,
    shape,
    softmax,
)
from host.compiler.lowering.context import Context
from host.compiler.operations import Operation
from host.errors import ModelError
from host.models.graph import Graph, Op, OpKind

_LOWERINGS: dict[OpKind, Callable[[Context], Operation]] = {
    OpKind.CONV_2D: convolution.lower,
    OpKind.DEPTHWISE_CONV_2D: convolution.lower,
    OpKind.FULLY_CONNECTED: fully_connected.lower,
    OpKind.ADD: elementwise.lower,
    OpKind.MUL: elementwise.lower,
    OpKind.AVERAGE_POOL_2D: pooling.lower,
    OpKind.MAX_POOL_2D: pooling.lower,
    OpKind.SOFTMAX: softmax.lower,
    OpKind.LOGISTIC: lookup.lower,
    OpKind.HARD_SWISH: lookup.lower,
    OpKind.QUANTIZE: lookup.lower,
    OpKind.PAD: shape.lower_pad,
    OpKind.MEAN: shape.lower_mean,
    OpKind.CONCATENATION: shape.lower_concatenation,
    OpKind.TRANSPOSE: shape.lower_transpose,
    OpKind.RESHAPE: shape.lower_reshape,
}


def lower(graph: Graph, op: Op) -> Operation:
    """The plan's op for one op of a checked graph.

    Raises:
        ModelError: its shapes, scales or options have no kernel; names op and tensor.
    """
    context = Context(graph, op)
    try:
        return _LOWERINGS[op.kind](context)
    except ScalingError as error:
        raise ModelError(f"{context.where}: {error}; quantize the model anew") from error


__all__ = ["lower"]
