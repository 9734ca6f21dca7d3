"""Lays a plan out as bytes; every byte layout is :mod:`protocol.plan`'s."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs
import numpy as np

from host.compiler.compiled import TensorContract, TensorPlace
from host.compiler.memory import MemoryPlan
from host.compiler.operations import Blob, Operation
from host.compiler.rows import round_up
from host.errors import ModelError
from host.models.graph import Graph
from protocol import plan

UINT32_MAX = (1 << 32) - 1
UINT16_MAX = (1 << 16) - 1


@attrs.frozen
class WrittenPlan:
    """The bytes and where each graph tensor went."""

    data: bytes
    tensor_map: dict[int, TensorPlace]


class _Data:
    """The plan's data section; equal blobs are stored once."""

    def __init__(self, start: int) -> None:
        self._start = start
        self._bytes = bytearray()
        self._known: dict[bytes, int] = {}

    def offset_of(self, blob: Blob) -> int:
        """Offset of ``blob`` from the start of the plan."""
        known = self._known.get(blob.data)
        if known is not None and known % blob.alignment_bytes == 0:
            return known
        position = round_up(self._start + len(self._bytes), blob.alignment_bytes)
        self._bytes += bytes(position - self._start - len(self._bytes)) + blob.data
        self._known[blob.data] = position
        return position

    def contents(self) -> bytes:
        return bytes(self._bytes)


def write_plan(
    graph: Graph,
    operations: Sequence[Operation],
    memory: MemoryPlan,
    owner: Sequence[int],
    contracts: tuple[Sequence[TensorContract], Sequence[TensorContract]],
) -> WrittenPlan:
    """The plan of ``operations`` laid out as ``memory`` says.

    Raises:
        ModelError: a count or an offset leaves its field.
    """
    tensor_map = _number_tensors(graph, operations, memory, owner)
    records = [_record_bytes(operation) for operation in operations]
    strings = b"".join(contract.name.encode() for side in contracts for contract in side)
    io_count = len(graph.inputs) + len(graph.outputs)
    _require_fields(graph, len(tensor_map), len(operations))

    tensors_offset = plan.PLAN_HEADER.sizeof()
    ops_offset = tensors_offset + len(tensor_map) * plan.PLAN_TENSOR.sizeof()
    io_offset = ops_offset + sum(records)
    strings_offset = io_offset + io_count * plan.PLAN_IO.sizeof()
    data = _Data(round_up(strings_offset + len(strings), 4))

    tensors = _tensor_table(graph, tensor_map, data)
    ops = b"".join(
        _op_record(operation, size, scratch, tensor_map, data)
        for operation, size, scratch in zip(operations, records, memory.scratch, strict=True)
    )
    io = _io_table(graph, tensor_map, contracts, strings_offset)
    head = tensors + ops + io + strings
    head += bytes(round_up(tensors_offset + len(head), 4) - tensors_offset - len(head))
    body = head + data.contents()
    total = round_up(tensors_offset + len(body), 4)
    body += bytes(total - tensors_offset - len(body))
    if total > UINT32_MAX or memory.arena_bytes > UINT32_MAX:
        raise ModelError(f"{graph.name}: the plan or its arena exceeds 4 GB")
    header: dict[str, Any] = {
        "magic": plan.MAGIC,
        "version_major": plan.VERSION_MAJOR,
        "version_minor": plan.VERSION_MINOR,
        "header_bytes": plan.PLAN_HEADER.sizeof(),
        "total_bytes": total,
        "crc32": 0,
        "arena_bytes": memory.arena_bytes,
        "persistent_bytes": 0,
        "tensor_count": len(tensor_map),
        "op_count": len(operations),
        "input_count": len(graph.inputs),
        "output_count": len(graph.outputs),
        "tensors_offset": tensors_offset,
        "ops_offset": ops_offset,
        "ops_bytes": sum(records),
        "io_offset": io_offset,
        "strings_offset": strings_offset,
        "strings_bytes": len(strings),
        "flags": int(plan.PlanFlag.INPUTS_OVERWRITTEN) if memory.inputs_overwritten else 0,
        "weight_layout": plan.WeightLayout.ROWS4,
        "reserved": 0,
        "macs": min(sum(operation.macs for operation in operations), UINT32_MAX),
    }
    header["crc32"] = plan.plan_crc32(plan.PLAN_HEADER.build(header) + body)
    return WrittenPlan(plan.PLAN_HEADER.build(header) + body, tensor_map)


def _number_tensors(
    graph: Graph, operations: Sequence[Operation], memory: MemoryPlan, owner: Sequence[int]
) -> dict[int, TensorPlace]:
    """Plan tensors in order of first appearance, each with its place."""
    order = dict.fromkeys(graph.inputs)
    for operation in operations:
        order.update(dict.fromkeys((*operation.inputs, operation.output)))
    order.update(dict.fromkeys(graph.outputs))
    written = {owner[operation.output]: at for at, operation in enumerate(operations)}
    return {
        index: TensorPlace(
            plan_tensor=number,
            arena_offset=memory.tensor_offsets[owner[index]],
            size_bytes=graph.tensors[index].elements,
            valid_after_op=written.get(owner[index], -1),
        )
        for number, index in enumerate(order)
    }


def _require_fields(graph: Graph, tensor_count: int, op_count: int) -> None:
    for what, count in (("tensors", tensor_count), ("ops", op_count)):
        if count > UINT16_MAX:
            raise ModelError(f"{graph.name}: has {count} {what}; a plan holds {UINT16_MAX}")


def _tensor_table(graph: Graph, tensor_map: dict[int, TensorPlace], data: _Data) -> bytes:
    table = bytearray()
    for index, place in tensor_map.items():
        shape = graph.tensors[index].shape
        if len(shape) > plan.MAX_RANK:
            raise ModelError(
                f"{graph.name}: tensor {graph.tensors[index].name!r} has {len(shape)} dimensions; "
                f"at most {plan.MAX_RANK} are supported"
            )
        flags = (plan.TensorFlag.INPUT if index in graph.inputs else 0) | (
            plan.TensorFlag.OUTPUT if index in graph.outputs else 0
        )
        table += plan.PLAN_TENSOR.build(
            {
                "dtype": plan.PlanDType.INT8,
                "flags": int(flags),
                "rank": len(shape),
                "reserved": 0,
                "arena_offset": place.arena_offset,
                "size_bytes": place.size_bytes,
                "shape_offset": data.offset_of(Blob.of(np.array(shape, dtype=np.uint32))),
            }
        )
    return bytes(table)


def _params_offset(operation: Operation) -> int:
    indices_bytes = round_up(2 * (len(operation.inputs) + 1), 4)
    return int(plan.PLAN_OP_HEADER.sizeof()) + indices_bytes


def _record_bytes(operation: Operation) -> int:
    return _params_offset(operation) + int(plan.PARAMS[operation.kind].sizeof())


def _op_record(
    operation: Operation,
    record_bytes: int,
    scratch: tuple[int, int],
    tensor_map: dict[int, TensorPlace],
    data: _Data,
) -> bytes:
    params_offset = _params_offset(operation)
    header = plan.PLAN_OP_HEADER.build(
        {
            "kind": operation.kind,
            "input_count": len(operation.inputs),
            "output_count": 1,
            "reserved": 0,
            "record_bytes": record_bytes,
            "params_offset": params_offset,
            "scratch_offset": scratch[0],
            "scratch_bytes": scratch[1],
        }
    )
    numbers = [tensor_map[index].plan_tensor for index in (*operation.inputs, operation.output)]
    indices = np.array(numbers, dtype="<u2").tobytes()
    parameters = {
        name: data.offset_of(value) if isinstance(value, Blob) else value
        for name, value in operation.parameters.items()
    }
    padding = bytes(params_offset - len(header) - len(indices))
    params: bytes = plan.PARAMS[operation.kind].build(parameters)
    return bytes(header) + indices + padding + params


def _io_table(
    graph: Graph,
    tensor_map: dict[int, TensorPlace],
    contracts: tuple[Sequence[TensorContract], Sequence[TensorContract]],
    strings_offset: int,
) -> bytes:
    table = bytearray()
    for indices, side in zip((graph.inputs, graph.outputs), contracts, strict=True):
        for index, contract in zip(indices, side, strict=True):
            name_bytes = len(contract.name.encode())
            table += plan.PLAN_IO.build(
                {
                    "tensor": tensor_map[index].plan_tensor,
                    "meaning": plan.Meaning.GENERIC,
                    "reserved": 0,
                    "name_offset": strings_offset,
                    "name_bytes": name_bytes,
                    "scale": contract.scale,
                    "zero_point": contract.zero_point,
                }
            )
            strings_offset += name_bytes
    return bytes(table)
