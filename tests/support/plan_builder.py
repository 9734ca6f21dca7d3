"""Plans put together by hand: small ones, and ones no compiler would write."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import Any

from protocol.plan import (
    MAGIC,
    PARAMS,
    PLAN_HEADER,
    PLAN_IO,
    PLAN_OP_HEADER,
    PLAN_TENSOR,
    VERSION_MAJOR,
    VERSION_MINOR,
    PlanDType,
    PlanOp,
    TensorFlag,
    WeightLayout,
    plan_crc32,
)

DTYPE_BYTES = {PlanDType.INT8: 1, PlanDType.INT16: 2, PlanDType.INT32: 4, PlanDType.FLOAT32: 4}


@dataclass(frozen=True)
class DataRef:
    """Bytes of the plan's data section, by their position there."""

    position: int


@dataclass
class PlanBuilder:
    """Collects tensors, ops and data; :meth:`build` lays them out.

    Tensors get arena bytes one after the other unless told where to lie;
    ``arena_bytes`` is what all of that needs.
    """

    arena_bytes: int = 0
    inputs: list[int] = field(default_factory=list)
    outputs: list[int] = field(default_factory=list)
    _tensors: list[dict[str, Any]] = field(default_factory=list)
    _ops: list[tuple[PlanOp, list[int], list[int], dict[str, Any], int, int]] = field(
        default_factory=list
    )
    _data: bytearray = field(default_factory=bytearray)

    def data(self, content: bytes, alignment: int = 8) -> DataRef:
        self._data.extend(bytes(-len(self._data) % alignment))
        self._data.extend(content)
        return DataRef(len(self._data) - len(content))

    def words(self, *values: int) -> DataRef:
        return self.data(struct.pack(f"<{len(values)}i", *values))

    def tensor(
        self,
        shape: tuple[int, ...],
        dtype: PlanDType = PlanDType.INT8,
        arena_offset: int | None = None,
    ) -> int:
        """Adds a tensor of ``shape``; returns its index."""
        size = DTYPE_BYTES[dtype]
        for extent in shape:
            size *= extent
        if arena_offset is None:
            arena_offset = -(-self.arena_bytes // 4) * 4
        self.arena_bytes = max(self.arena_bytes, arena_offset + size)
        self._tensors.append(
            {
                "dtype": dtype,
                "flags": 0,
                "rank": len(shape),
                "reserved": 0,
                "arena_offset": arena_offset,
                "size_bytes": size,
                "shape_offset": self.data(struct.pack(f"<{len(shape)}I", *shape), 4),
            }
        )
        return len(self._tensors) - 1

    def op(
        self,
        kind: PlanOp,
        inputs: list[int],
        outputs: list[int],
        params: dict[str, Any],
        scratch_bytes: int = 0,
    ) -> None:
        scratch_offset = -(-self.arena_bytes // 16) * 16 if scratch_bytes else 0
        if scratch_bytes:
            self.arena_bytes = scratch_offset + scratch_bytes
        self._ops.append((kind, inputs, outputs, params, scratch_offset, scratch_bytes))

    def build(self) -> bytes:
        tensors_offset = PLAN_HEADER.sizeof()
        ops_offset = tensors_offset + len(self._tensors) * PLAN_TENSOR.sizeof()
        op_lengths = [len(self._op_record(i, 0)) for i in range(len(self._ops))]
        io_offset = ops_offset + sum(op_lengths)
        io_records = [(t, TensorFlag.INPUT) for t in self.inputs]
        io_records += [(t, TensorFlag.OUTPUT) for t in self.outputs]
        strings_offset = io_offset + len(io_records) * PLAN_IO.sizeof()
        names = [f"tensor{tensor}".encode() for tensor, _ in io_records]
        strings = b"".join(names)
        data_offset = -(-(strings_offset + len(strings)) // 16) * 16

        for tensor, flag in io_records:
            self._tensors[tensor]["flags"] |= flag
        body = bytearray()
        for record in self._tensors:
            body += PLAN_TENSOR.build(_resolve(record, data_offset))
        for i in range(len(self._ops)):
            body += self._op_record(i, data_offset)
        name_offset = strings_offset
        for (tensor, _), name in zip(io_records, names, strict=True):
            body += PLAN_IO.build(
                {
                    "tensor": tensor,
                    "meaning": 0,
                    "reserved": 0,
                    "name_offset": name_offset,
                    "name_bytes": len(name),
                    "scale": 0.5,
                    "zero_point": 0,
                }
            )
            name_offset += len(name)
        body += strings
        body += bytes(data_offset - PLAN_HEADER.sizeof() - len(body))
        body += self._data
        header = {
            "magic": MAGIC,
            "version_major": VERSION_MAJOR,
            "version_minor": VERSION_MINOR,
            "header_bytes": PLAN_HEADER.sizeof(),
            "total_bytes": PLAN_HEADER.sizeof() + len(body),
            "crc32": 0,
            "arena_bytes": self.arena_bytes,
            "persistent_bytes": 0,
            "tensor_count": len(self._tensors),
            "op_count": len(self._ops),
            "input_count": len(self.inputs),
            "output_count": len(self.outputs),
            "tensors_offset": tensors_offset,
            "ops_offset": ops_offset,
            "ops_bytes": sum(op_lengths),
            "io_offset": io_offset,
            "strings_offset": strings_offset,
            "strings_bytes": len(strings),
            "flags": 0,
            "weight_layout": WeightLayout.ROWS4,
            "reserved": 0,
            "macs": 0,
        }
        return with_crc(PLAN_HEADER.build(header) + bytes(body))

    def _op_record(self, index: int, data_offset: int) -> bytes:
        kind, inputs, outputs, params, scratch_offset, scratch_bytes = self._ops[index]
        indices = struct.pack(f"<{len(inputs) + len(outputs)}H", *inputs, *outputs)
        indices += bytes(-len(indices) % 4)
        body = PARAMS[kind].build(_resolve(params, data_offset))
        params_offset = PLAN_OP_HEADER.sizeof() + len(indices)
        header = {
            "kind": kind,
            "input_count": len(inputs),
            "output_count": len(outputs),
            "reserved": 0,
            "record_bytes": params_offset + len(body),
            "params_offset": params_offset,
            "scratch_offset": scratch_offset,
            "scratch_bytes": scratch_bytes,
        }
        return bytes(PLAN_OP_HEADER.build(header)) + indices + bytes(body)


def _resolve(record: dict[str, Any], data_offset: int) -> dict[str, Any]:
    return {
        name: data_offset + value.position if isinstance(value, DataRef) else value
        for name, value in record.items()
    }


def with_crc(plan: bytes) -> bytes:
    """``plan`` with the checksum that its bytes have now."""
    header = PLAN_HEADER.parse(plan)
    header.crc32 = plan_crc32(plan)
    return bytes(PLAN_HEADER.build(header)) + plan[PLAN_HEADER.sizeof() :]
