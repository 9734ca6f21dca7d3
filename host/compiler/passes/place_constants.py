"""Brings constant operands into the arena: kernels read activations from nowhere else."""

from __future__ import annotations

from collections.abc import Sequence

from host.compiler.operations import Blob, Operation
from host.models.graph import Graph
from protocol.plan import PlanOp

_DATA_ALIGNMENT_BYTES = 4


def place_constants(graph: Graph, operations: Sequence[Operation]) -> list[Operation]:
    """``operations`` with a CONSTANT op before the first reader of each constant.

    A constant then occupies the arena from its copy to its last reader only.
    """
    result: list[Operation] = []
    placed: set[int] = set()
    for operation in operations:
        for index in operation.inputs:
            tensor = graph.tensors[index]
            if tensor.data is None or index in placed:
                continue
            placed.add(index)
            result.append(
                Operation(
                    kind=PlanOp.CONSTANT,
                    inputs=(),
                    output=index,
                    parameters={
                        "size_bytes": tensor.data.nbytes,
                        "data_offset": Blob.of(tensor.data, _DATA_ALIGNMENT_BYTES),
                    },
                    source_index=operation.source_index,
                    name=tensor.name,
                )
            )
        result.append(operation)
    return result
