"""Runs an int8 graph on the host with TFLM's arithmetic."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from host.compiler.passes.check import check_graph
from host.compiler.passes.cut_edges import cut_float_edges
from host.models.graph import Graph
from host.reference.kernels import KERNELS


def reference_run(graph: Graph, inputs: Sequence[NDArray[np.int8]]) -> dict[int, NDArray[np.int8]]:
    """Every tensor that one inference computes, by graph index, in the graph's shapes.

    Float edges are cut as the compiler cuts them: ``inputs`` are int8, one array an input
    of the compiled contract.

    Raises:
        ModelError: the graph is not int8.
        ValueError: an input has the wrong number or shape.
    """
    graph = cut_float_edges(graph)
    check_graph(graph)
    if len(inputs) != len(graph.inputs):
        raise ValueError(f"{graph.name} has {len(graph.inputs)} inputs, not {len(inputs)}")
    values: dict[int, NDArray[np.int8]] = {}
    for index, array in zip(graph.inputs, inputs, strict=True):
        if array.shape != graph.tensors[index].shape:
            raise ValueError(f"input {graph.tensors[index].name!r} has shape {array.shape}")
        values[index] = np.asarray(array, dtype=np.int8)
    for op in graph.ops:
        operands = []
        for operand in op.inputs:
            if operand is not None:
                constant = graph.tensors[operand].data
                operands.append(values[operand] if constant is None else constant)
        values[op.outputs[0]] = KERNELS[op.kind](graph, op, operands)
    return values
