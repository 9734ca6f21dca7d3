"""Finds ops that move no byte: their output is their input under another shape."""

from __future__ import annotations

from host.models.graph import Graph, Op, OpKind


def fold_reshapes(graph: Graph) -> tuple[list[Op], list[int]]:
    """The ops that remain, and for each tensor the tensor whose bytes it shares.

    A RESHAPE (or a TRANSPOSE that keeps the order of the elements) from an input of
    the graph to an output of it stays: input and output are then two places.
    """
    owner = list(range(len(graph.tensors)))
    kept: list[Op] = []
    written_by_inputs = set(graph.inputs)
    for op in graph.ops:
        source, target = op.inputs[0] if op.inputs else None, op.outputs[0]
        if source is None or not _keeps_bytes(graph, op) or graph.tensors[source].data is not None:
            kept.append(op)
            continue
        shared = owner[source]
        if shared in written_by_inputs and _reaches_output(graph, target):
            kept.append(op)
            continue
        owner[target] = shared
    return kept, owner


def _keeps_bytes(graph: Graph, op: Op) -> bool:
    if op.kind is OpKind.RESHAPE:
        source = op.inputs[0]
        assert source is not None
        return graph.tensors[source].elements == graph.tensors[op.outputs[0]].elements
    if op.kind is OpKind.TRANSPOSE:
        source = op.inputs[0]
        assert source is not None
        shape = graph.tensors[source].shape
        moved = [axis for axis in op.attributes["permutation"] if shape[axis] > 1]
        return moved == sorted(moved)
    return False


def _reaches_output(graph: Graph, tensor: int) -> bool:
    """Whether ``tensor`` is an output, itself or through further ops that move no byte."""
    if tensor in graph.outputs:
        return True
    return any(
        _reaches_output(graph, op.outputs[0])
        for op in graph.ops
        if op.inputs and op.inputs[0] == tensor and _keeps_bytes(graph, op)
    )
