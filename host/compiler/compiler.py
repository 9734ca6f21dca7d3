"""From a graph to a plan."""

from __future__ import annotations

from host.compiler.compiled import CompiledPlan, PlannedOp, TensorContract
from host.compiler.lowering import lower
from host.compiler.memory import plan_memory, plan_separate
from host.compiler.operations import Blob, Operation
from host.compiler.options import CompileOptions
from host.compiler.passes.check import check_graph
from host.compiler.passes.cut_edges import cut_float_edges
from host.compiler.passes.fold_reshape import fold_reshapes
from host.compiler.passes.place_constants import place_constants
from host.compiler.writer import write_plan
from host.errors import ModelError
from host.models.graph import Graph
from protocol.plan import PLAN_HEADER, VERSION_MAJOR, WeightLayout


def compile_graph(graph: Graph, options: CompileOptions | None = None) -> CompiledPlan:
    """Compiles an int8 graph into the bytes that a board loads.

    Raises:
        ModelError: the graph has what no kernel does, or what the board's runtime lacks;
            the message names the op and the tensor, and what is supported.
    """
    options = options or CompileOptions()
    if options.plan_version != VERSION_MAJOR or WeightLayout.ROWS4 not in options.weight_layouts:
        raise ModelError(
            f"{graph.name}: the board reads plans of version {options.plan_version}, this compiler "
            f"writes version {VERSION_MAJOR}; update the board's firmware"
        )
    graph = cut_float_edges(graph)
    check_graph(graph)
    kept, owner = fold_reshapes(graph)
    operations = place_constants(graph, [lower(graph, op) for op in kept])
    _require_op_set(graph, operations, options)

    size_bytes = [tensor.elements for tensor in graph.tensors]
    if options.preserve_all:
        memory = plan_separate(operations, graph.inputs, owner, size_bytes)
    else:
        memory = plan_memory(
            operations, graph.inputs, graph.outputs, owner, size_bytes, options.arena_limit_bytes
        )
    inputs = tuple(_contract(graph, index) for index in graph.inputs)
    outputs = tuple(_contract(graph, index) for index in graph.outputs)
    written = write_plan(graph, operations, memory, owner, (inputs, outputs))
    return CompiledPlan(
        data=written.data,
        crc32=PLAN_HEADER.parse(written.data).crc32,
        arena_bytes=memory.arena_bytes,
        arena_lower_bound_bytes=memory.lower_bound_bytes,
        macs=sum(operation.macs for operation in operations),
        ops=tuple(
            PlannedOp(
                kind=operation.kind,
                macs=operation.macs,
                scratch_bytes=scratch_bytes,
                source_index=operation.source_index,
                source_name=operation.name,
                parameters={
                    name: value
                    for name, value in operation.parameters.items()
                    if not isinstance(value, Blob)
                },
                input_bytes=tuple(size_bytes[index] for index in operation.inputs),
                output_bytes=size_bytes[operation.output],
                constant_bytes=sum(
                    len(value.data)
                    for value in operation.parameters.values()
                    if isinstance(value, Blob)
                ),
                in_place=memory.tensor_offsets[owner[operation.output]]
                in [memory.tensor_offsets[owner[index]] for index in operation.inputs],
            )
            for operation, (_, scratch_bytes) in zip(operations, memory.scratch, strict=True)
        ),
        inputs=inputs,
        outputs=outputs,
        inputs_overwritten=memory.inputs_overwritten,
        tensor_map=written.tensor_map,
    )


def _require_op_set(graph: Graph, operations: list[Operation], options: CompileOptions) -> None:
    for operation in operations:
        if operation.kind not in options.op_set:
            available = ", ".join(kind.name for kind in sorted(options.op_set))
            raise ModelError(
                f"{graph.name}: op {operation.source_index} {operation.kind.name} "
                f"{operation.name!r}: the board's firmware has no kernel for it; it has {available}"
            )


def _contract(graph: Graph, index: int) -> TensorContract:
    tensor = graph.tensors[index]
    quantization = tensor.quantization
    if quantization is not None and quantization.per_channel:
        raise ModelError(
            f"{graph.name}: tensor {tensor.name!r} has {len(quantization.scales)} scales; "
            "an input or output has one"
        )
    return TensorContract(
        name=tensor.name,
        shape=tensor.shape,
        dtype=str(tensor.dtype),
        # Bytes without a scale are what they are.
        scale=1.0 if quantization is None else quantization.scale,
        zero_point=0 if quantization is None else quantization.zero_point,
        size_bytes=tensor.elements,
    )


__all__ = ["CompileOptions", "CompiledPlan", "compile_graph"]
