"""Changes single fields of a valid plan and makes its checksum right again."""

from __future__ import annotations

from typing import Any

from protocol.plan import PARAMS, PLAN_HEADER, PLAN_IO, PLAN_OP_HEADER, PLAN_TENSOR, PlanOp
from tests.support.plan_builder import with_crc


def _replace(plan: bytes, struct_type: Any, position: int, changes: dict[str, Any]) -> bytes:
    record = struct_type.parse(plan[position:])
    for name, value in changes.items():
        assert name in record, name
        record[name] = value
    built = bytes(struct_type.build(record))
    return with_crc(plan[:position] + built + plan[position + len(built) :])


def edit_header(plan: bytes, **changes: Any) -> bytes:
    return _replace(plan, PLAN_HEADER, 0, changes)


def edit_tensor(plan: bytes, index: int, **changes: Any) -> bytes:
    position = PLAN_HEADER.parse(plan).tensors_offset + index * PLAN_TENSOR.sizeof()
    return _replace(plan, PLAN_TENSOR, position, changes)


def edit_io(plan: bytes, index: int, **changes: Any) -> bytes:
    position = PLAN_HEADER.parse(plan).io_offset + index * PLAN_IO.sizeof()
    return _replace(plan, PLAN_IO, position, changes)


def edit_op(plan: bytes, **changes: Any) -> bytes:
    """Changes the header of the first op's record."""
    return _replace(plan, PLAN_OP_HEADER, PLAN_HEADER.parse(plan).ops_offset, changes)


def edit_params(plan: bytes, **changes: Any) -> bytes:
    """Changes the parameters of the first op."""
    position = PLAN_HEADER.parse(plan).ops_offset
    op = PLAN_OP_HEADER.parse(plan[position:])
    return _replace(plan, PARAMS[PlanOp(op.kind)], position + op.params_offset, changes)


def params_of(plan: bytes) -> Any:
    """The parameters of the first op."""
    position = PLAN_HEADER.parse(plan).ops_offset
    op = PLAN_OP_HEADER.parse(plan[position:])
    return PARAMS[PlanOp(op.kind)].parse(plan[position + op.params_offset :])


def edit_bytes(plan: bytes, position: int, content: bytes) -> bytes:
    return with_crc(plan[:position] + content + plan[position + len(content) :])
