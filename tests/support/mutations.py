"""Damaged plans: seeded bit flips, edits of single fields, truncations."""

from __future__ import annotations

import random
import struct
from dataclasses import dataclass
from typing import Any

from construct import Array, Renamed

from protocol.plan import (
    CRC_FROM,
    PARAMS,
    PLAN_HEADER,
    PLAN_IO,
    PLAN_OP_HEADER,
    PLAN_TENSOR,
    PlanOp,
    plan_crc32,
)

CRC_POSITION = 12


@dataclass(frozen=True)
class Field:
    """An integer of a plan: where it lies and how many bytes it has."""

    position: int
    size: int


def _fields_of(struct_type: Any, position: int) -> list[Field]:
    found: list[Field] = []
    for member in struct_type.subcons:
        inner = member
        while isinstance(inner, Renamed):
            inner = inner.subcon
        count = inner.count if isinstance(inner, Array) else 1
        size = inner.sizeof() // count
        found += [Field(position + i * size, size) for i in range(count)]
        position += inner.sizeof()
    return found


def plan_fields(plan: bytes) -> list[Field]:
    """Every field of a valid plan's records, and the words of its data section."""
    header = PLAN_HEADER.parse(plan)
    found = _fields_of(PLAN_HEADER, 0)
    for i in range(header.tensor_count):
        found += _fields_of(PLAN_TENSOR, header.tensors_offset + i * PLAN_TENSOR.sizeof())
    for i in range(header.input_count + header.output_count):
        found += _fields_of(PLAN_IO, header.io_offset + i * PLAN_IO.sizeof())
    offset = header.ops_offset
    for _ in range(header.op_count):
        op = PLAN_OP_HEADER.parse(plan[offset:])
        record = _fields_of(PLAN_OP_HEADER, offset)
        indices = offset + PLAN_OP_HEADER.sizeof()
        record += [Field(indices + 2 * i, 2) for i in range(op.input_count + op.output_count)]
        record += _fields_of(PARAMS[PlanOp(op.kind)], offset + op.params_offset)
        found += record * 4  # parameters are where the deep checks are
        offset += op.record_bytes
    data = header.strings_offset + header.strings_bytes
    found += [Field(p, 4) for p in range(-(-data // 4) * 4, len(plan) - 3, 4)]
    return found


def _edited(plan: bytearray, field: Field, rng: random.Random) -> None:
    bits = 8 * field.size
    old = int.from_bytes(plan[field.position : field.position + field.size], "little")
    new = rng.choice(
        [
            0,
            1,
            old + 1,
            old - 1,
            old + 4,
            old * 2,
            old // 2,
            old ^ (1 << rng.randrange(bits)),
            (1 << bits) - 1,
            1 << (bits - 1),
            (1 << (bits - 1)) - 1,
            rng.randrange(1 << bits),
            rng.randrange(256),
            rng.randrange(1 << 16),
            -rng.randrange(256),
            len(plan) - rng.randrange(64),
        ]
    )
    plan[field.position : field.position + field.size] = (new % (1 << bits)).to_bytes(
        field.size, "little"
    )


def mutate(plan: bytes, fields: list[Field], rng: random.Random) -> bytes:
    """A damaged copy of ``plan``; mostly with a correct CRC, so that deep checks see it."""
    damaged = bytearray(plan)
    way = rng.random()
    if way < 0.70:
        for _ in range(rng.choice([1, 1, 1, 2, 2, 3, 5])):
            _edited(damaged, rng.choice(fields), rng)
    elif way < 0.85:
        for _ in range(rng.randint(1, 8)):
            damaged[rng.randrange(len(damaged))] ^= 1 << rng.randrange(8)
    else:
        del damaged[rng.randrange(len(damaged)) :]
        if len(damaged) >= PLAN_HEADER.sizeof() and rng.random() < 0.7:
            # The header agrees with what is left.
            struct.pack_into("<I", damaged, 8, len(damaged))
    if len(damaged) > CRC_FROM and rng.random() < 0.95:
        struct.pack_into("<I", damaged, CRC_POSITION, plan_crc32(bytes(damaged)))
    return bytes(damaged)
