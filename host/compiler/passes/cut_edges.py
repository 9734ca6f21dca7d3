"""Cuts the graph where it is quantized at an input and dequantized at an output.

A plan's contract is int8: the host converts with the contract's scale and zero
point, so a board needs no floating point.
"""

from __future__ import annotations

import attrs

from host.models.graph import DType, Graph, Op, OpKind


def cut_float_edges(graph: Graph) -> Graph:
    """A graph that starts behind its QUANTIZE ops and ends before its DEQUANTIZE ops.

    Tensors keep their indices; ``graph`` is not changed.
    """
    inputs, outputs, ops = list(graph.inputs), list(graph.outputs), list(graph.ops)
    for position, index in enumerate(inputs):
        consumers = [op for op in ops if index in op.inputs]
        if len(consumers) == 1 and _is(graph, consumers[0], OpKind.QUANTIZE, index):
            inputs[position] = consumers[0].outputs[0]
            ops.remove(consumers[0])
    for position, index in enumerate(outputs):
        producers = [op for op in ops if index in op.outputs]
        if len(producers) == 1 and _is(graph, producers[0], OpKind.DEQUANTIZE, index):
            source = producers[0].inputs[0]
            if source is not None and not any(index in op.inputs for op in ops):
                outputs[position] = source
                ops.remove(producers[0])
    return attrs.evolve(graph, inputs=inputs, outputs=outputs, ops=ops)


def _is(graph: Graph, op: Op, kind: OpKind, float_index: int) -> bool:
    """Whether ``op`` is of ``kind``, between float32 ``float_index`` and an int8 tensor."""
    if op.kind is not kind:
        return False
    other = op.outputs[0] if kind is OpKind.QUANTIZE else op.inputs[0]
    if other is None:
        return False
    return (
        graph.tensors[float_index].dtype is DType.FLOAT32
        and graph.tensors[other].dtype is DType.INT8
    )
