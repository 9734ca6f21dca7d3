"""Floating-point operations of one inference, counted by walking the graph."""

from __future__ import annotations

import math

from host.models.graph import Graph, Op, OpKind

_PER_ELEMENT = {
    OpKind.ADD: 1,
    OpKind.MUL: 1,
    OpKind.LOGISTIC: 4,  # negate, exponential, add, divide
    OpKind.HARD_SWISH: 4,  # add, clip, multiply, multiply
    OpKind.SOFTMAX: 5,  # maximum, subtract, exponential, sum, divide
    OpKind.QUANTIZE: 2,
    OpKind.DEQUANTIZE: 2,
}
"""Of an output's element; ops that move values count nothing."""


def macs_of(graph: Graph, op: Op) -> int:
    """Multiply-accumulates of one op."""
    output = graph.tensors[op.outputs[0]]
    if op.kind not in (OpKind.CONV_2D, OpKind.DEPTHWISE_CONV_2D, OpKind.FULLY_CONNECTED):
        return 0
    assert op.inputs[1] is not None
    shape = graph.tensors[op.inputs[1]].shape
    if op.kind is OpKind.FULLY_CONNECTED:
        return output.elements * shape[1]
    per_output = shape[1] * shape[2]
    return output.elements * (per_output * shape[3] if op.kind is OpKind.CONV_2D else per_output)


def flops_of(graph: Graph) -> int:
    """Multiply-accumulates times two, plus other arithmetic."""
    total = 0
    for op in graph.ops:
        output = graph.tensors[op.outputs[0]]
        total += 2 * macs_of(graph, op)
        if op.kind in (OpKind.AVERAGE_POOL_2D, OpKind.MAX_POOL_2D):
            total += output.elements * math.prod(op.attributes["window"])
        elif op.kind is OpKind.MEAN:
            assert op.inputs[0] is not None
            total += graph.tensors[op.inputs[0]].elements
        else:
            total += output.elements * _PER_ELEMENT.get(op.kind, 0)
    return total
