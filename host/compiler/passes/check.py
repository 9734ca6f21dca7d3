"""Refuses graphs that no plan can hold, before any work is done on them."""

from __future__ import annotations

from host.errors import ModelError
from host.models.graph import DType, Graph, Op, OpKind

_PARAMETER_POSITIONS: dict[OpKind, tuple[int, ...]] = {
    OpKind.CONV_2D: (1, 2),
    OpKind.DEPTHWISE_CONV_2D: (1, 2),
    OpKind.FULLY_CONNECTED: (1, 2),
}
"""Inputs that are weights and biases; their lowering checks them."""


def where(graph: Graph, op: Op) -> str:
    """An op as messages name it."""
    return f"{graph.name}: op {op.source_index} {op.kind} {op.name!r}"


def activations(op: Op) -> list[int]:
    """Tensors that flow into ``op``: its inputs less weights and biases."""
    parameters = _PARAMETER_POSITIONS.get(op.kind, ())
    return [
        index
        for position, index in enumerate(op.inputs)
        if index is not None and position not in parameters
    ]


def check_graph(graph: Graph) -> None:
    """Element types are int8, and every tensor is written once, before it is read.

    Raises:
        ModelError: names the op and the tensor, and what to do about it.
    """
    written = set(graph.inputs)
    if len(written) != len(graph.inputs):
        raise ModelError(f"{graph.name}: two of its inputs are the same tensor")
    for index in [*graph.inputs, *graph.outputs]:
        _check_dtype(graph, index, f"{graph.name}:")
    for op in graph.ops:
        if op.kind is OpKind.DEQUANTIZE:
            raise ModelError(
                f"{where(graph, op)} goes to floating point inside the model; "
                "DEQUANTIZE is supported at an output only: quantize the model whole"
            )
        for index in activations(op):
            _check_dtype(graph, index, f"{where(graph, op)}:")
            if index not in written and graph.tensors[index].data is None:
                raise ModelError(
                    f"{where(graph, op)} reads tensor {graph.tensors[index].name!r} "
                    "before anything writes it"
                )
        for index in op.outputs:
            _check_dtype(graph, index, f"{where(graph, op)}:")
            if index in written or graph.tensors[index].data is not None:
                raise ModelError(
                    f"{where(graph, op)} writes tensor {graph.tensors[index].name!r}, "
                    "which already has a value"
                )
            written.add(index)
    for index in graph.outputs:
        if index not in written:
            raise ModelError(
                f"{graph.name}: nothing writes its output {graph.tensors[index].name!r}"
            )


def _check_dtype(graph: Graph, index: int, prefix: str) -> None:
    tensor = graph.tensors[index]
    if tensor.dtype is DType.INT8:
        return
    named = f"{prefix} tensor {tensor.name!r} is {tensor.dtype}"
    if tensor.dtype is DType.FLOAT32:
        raise ModelError(f"{named}: a float model; quantize it to int8 first")
    if tensor.dtype is DType.UINT8:
        raise ModelError(f"{named}: quantize the model anew to int8, the signed scheme")
    raise ModelError(f"{named}; supported: int8")
