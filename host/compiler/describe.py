"""A plan's bytes as text, for people."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from host.errors import ModelError
from protocol import plan

_NOT_SHOWN = frozenset({"_io"})


def describe(data: bytes) -> str:
    """Header, contract, tensors and ops of a plan, one line each.

    Raises:
        ModelError: ``data`` is not a whole plan of this version.
    """
    header = _header(data)
    lines = [
        f"plan {header.version_major}.{header.version_minor}: {header.total_bytes} bytes, "
        f"CRC-32 {header.crc32:08x}, arena {header.arena_bytes} bytes, {header.macs} MACs",
        *_contract(data, header),
        *_tensors(data, header),
        *_ops(data, header),
    ]
    return "\n".join(lines)


def _header(data: bytes) -> Any:
    if len(data) < plan.PLAN_HEADER.sizeof():
        raise ModelError(f"not a plan: {len(data)} bytes")
    header = plan.PLAN_HEADER.parse(data)
    if header.magic != plan.MAGIC or header.version_major != plan.VERSION_MAJOR:
        raise ModelError(f"not a plan of version {plan.VERSION_MAJOR}")
    if header.total_bytes != len(data) or header.crc32 != plan.plan_crc32(data):
        raise ModelError("the plan is truncated or corrupt; compile it again")
    return header


def _contract(data: bytes, header: Any) -> Iterator[str]:
    record_bytes = plan.PLAN_IO.sizeof()
    for number in range(header.input_count + header.output_count):
        record = plan.PLAN_IO.parse(data[header.io_offset + number * record_bytes :])
        side = "input" if number < header.input_count else "output"
        name = data[record.name_offset : record.name_offset + record.name_bytes].decode()
        yield (
            f"{side} {name!r}: tensor {record.tensor}, scale {record.scale:.9g}, "
            f"zero point {record.zero_point}"
        )


def _tensors(data: bytes, header: Any) -> Iterator[str]:
    record_bytes = plan.PLAN_TENSOR.sizeof()
    for number in range(header.tensor_count):
        record = plan.PLAN_TENSOR.parse(data[header.tensors_offset + number * record_bytes :])
        shape = np.frombuffer(data, "<u4", record.rank, record.shape_offset).tolist()
        yield (
            f"tensor {number}: {plan.PlanDType(record.dtype).name} {shape} "
            f"at {record.arena_offset}, {record.size_bytes} bytes"
        )


def _ops(data: bytes, header: Any) -> Iterator[str]:
    offset = header.ops_offset
    for number in range(header.op_count):
        op = plan.PLAN_OP_HEADER.parse(data[offset:])
        kind = plan.PlanOp(op.kind)
        indices = np.frombuffer(
            data, "<u2", op.input_count + op.output_count, offset + plan.PLAN_OP_HEADER.sizeof()
        ).tolist()
        params = plan.PARAMS[kind].parse(data[offset + op.params_offset :])
        shown = ", ".join(
            f"{name} {list(value) if isinstance(value, list) else value}"
            for name, value in params.items()
            if name not in _NOT_SHOWN
        )
        yield (
            f"op {number}: {kind.name} {indices[: op.input_count]} -> "
            f"{indices[op.input_count :]}, "
            f"scratch {op.scratch_bytes} at {op.scratch_offset}: {shown}"
        )
        offset += op.record_bytes
