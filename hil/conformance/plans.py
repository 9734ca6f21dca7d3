"""Plans whose results are known without a runtime: chains of table look-ups."""

from __future__ import annotations

import random

from protocol.golden_plans import seal
from protocol.plan import (
    ALIGNMENT_BYTES,
    LOOKUP_PARAMS,
    MAGIC,
    PLAN_HEADER,
    PLAN_IO,
    PLAN_OP_HEADER,
    PLAN_TENSOR,
    VERSION_MAJOR,
    VERSION_MINOR,
    Meaning,
    PlanDType,
    PlanFlag,
    PlanOp,
    TensorFlag,
    WeightLayout,
)

LOOKUPS = (PlanOp.QUANTIZE, PlanOp.LOGISTIC, PlanOp.HARD_SWISH)
"""Kinds that are a table look-up an element; any of them will do."""
_TABLE = bytes(random.Random(1).sample(range(256), 256))
_DIMENSION_BYTES = 4


def look_up(data: bytes, ops: int) -> bytes:
    """What a chain of ``ops`` makes of ``data``."""
    for _ in range(ops):
        data = data.translate(_TABLE)
    return data


def tensor_offset(elements: int, tensor: int) -> int:
    """Where a chain's tensor begins in the arena; the tensors follow each other."""
    return tensor * _aligned(elements)


def lookup_chain(
    kind: PlanOp, elements: int, ops: int, *, in_place: bool = False, padding_bytes: int = 0
) -> bytes:
    """One int8 input, ``ops`` look-ups one after the other, one output.

    ``in_place``: all tensors share their bytes, and the header says that inputs are overwritten.
    ``padding_bytes`` of data make the plan longer.
    """
    tensor_count = ops + 1
    record_bytes = PLAN_OP_HEADER.sizeof() + 4 + LOOKUP_PARAMS.sizeof()
    sizes = {
        "tensors": tensor_count * PLAN_TENSOR.sizeof(),
        "ops": ops * record_bytes,
        "io": 2 * PLAN_IO.sizeof(),
        "strings": 4,
        "shape": _DIMENSION_BYTES,
        "table": len(_TABLE),
        "padding": padding_bytes,
    }
    at, position = {}, PLAN_HEADER.sizeof()
    for name, size in sizes.items():
        at[name] = position
        position += size
    offsets = [0 if in_place else tensor_offset(elements, i) for i in range(tensor_count)]
    header = {
        "magic": MAGIC,
        "version_major": VERSION_MAJOR,
        "version_minor": VERSION_MINOR,
        "header_bytes": PLAN_HEADER.sizeof(),
        "total_bytes": position,
        "crc32": 0,
        "arena_bytes": offsets[-1] + _aligned(elements),
        "persistent_bytes": 0,
        "tensor_count": tensor_count,
        "op_count": ops,
        "input_count": 1,
        "output_count": 1,
        "tensors_offset": at["tensors"],
        "ops_offset": at["ops"],
        "ops_bytes": sizes["ops"],
        "io_offset": at["io"],
        "strings_offset": at["strings"],
        "strings_bytes": 2,
        "flags": PlanFlag.INPUTS_OVERWRITTEN if in_place else 0,
        "weight_layout": WeightLayout.ROWS4,
        "macs": 0,
    }
    data = PLAN_HEADER.build(header)
    for index, offset in enumerate(offsets):
        flag = {0: TensorFlag.INPUT, ops: TensorFlag.OUTPUT}.get(index, TensorFlag(0))
        tensor = {"dtype": PlanDType.INT8, "flags": flag, "rank": 1, "arena_offset": offset}
        data += PLAN_TENSOR.build({**tensor, "size_bytes": elements, "shape_offset": at["shape"]})
    for op in range(ops):
        data += _op_record(kind, op, record_bytes, elements, at["table"])
    for index, tensor_index in enumerate((0, ops)):
        data += PLAN_IO.build(
            {
                "tensor": tensor_index,
                "meaning": Meaning.GENERIC,
                "name_offset": at["strings"] + index,
                "name_bytes": 1,
                "scale": 1.0,
                "zero_point": 0,
            }
        )
    data += b"xy\0\0" + elements.to_bytes(_DIMENSION_BYTES, "little") + _TABLE
    # Not all alike, so that a chunk put in another's place changes the checksum.
    data += bytes((i * i >> 3) & 0xFF for i in range(padding_bytes))
    return seal(data)


def _op_record(kind: PlanOp, op: int, record_bytes: int, elements: int, table: int) -> bytes:
    record = {
        "kind": kind,
        "input_count": 1,
        "output_count": 1,
        "record_bytes": record_bytes,
        "params_offset": PLAN_OP_HEADER.sizeof() + 4,
        "scratch_offset": 0,
        "scratch_bytes": 0,
    }
    indices = op.to_bytes(2, "little") + (op + 1).to_bytes(2, "little")
    params = LOOKUP_PARAMS.build({"count": elements, "table_offset": table})
    return bytes(PLAN_OP_HEADER.build(record) + indices + params)


def _aligned(size: int) -> int:
    return -(-size // ALIGNMENT_BYTES) * ALIGNMENT_BYTES
