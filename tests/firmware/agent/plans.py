"""Plans for the agent's tests: chains of table look-ups, whose results Python knows."""

from __future__ import annotations

import random

from protocol.plan import PLAN_HEADER, PlanFlag, PlanOp
from tests.support.plan_builder import PlanBuilder, with_crc

TABLES = 8


def table_of(op: int) -> bytes:
    """Op ``op``'s table: one of a few permutations of the 256 bytes."""
    return bytes(random.Random(op % TABLES).sample(range(256), 256))


def lookup_plan(sizes: tuple[int, ...] = (100,), ops: int = 3, padding_bytes: int = 0) -> bytes:
    """A chain of ``ops`` look-ups an input; int8 inputs of ``sizes`` bytes."""
    builder = PlanBuilder()
    tables = [builder.data(table_of(op)) for op in range(min(ops, TABLES))]
    if padding_bytes:
        builder.data(bytes(padding_bytes))
    for size in sizes:
        tensor = builder.tensor((size,))
        builder.inputs.append(tensor)
        for op in range(ops):
            result = builder.tensor((size,))
            params = {"count": size, "table_offset": tables[op % TABLES]}
            builder.op(PlanOp.LOGISTIC, [tensor], [result], params)
            tensor = result
        builder.outputs.append(tensor)
    return builder.build()


def in_place_plan(size: int = 64) -> bytes:
    """One look-up whose output takes its input's bytes, flagged so."""
    builder = PlanBuilder()
    table = builder.data(table_of(0))
    first = builder.tensor((size,), arena_offset=0)
    second = builder.tensor((size,), arena_offset=0)
    builder.inputs.append(first)
    builder.outputs.append(second)
    builder.op(PlanOp.LOGISTIC, [first], [second], {"count": size, "table_offset": table})
    return with_header(builder.build(), flags=PlanFlag.INPUTS_OVERWRITTEN)


def with_header(plan: bytes, **fields: int) -> bytes:
    """``plan`` with header fields changed and its checksum right again."""
    header = {**PLAN_HEADER.parse(plan), **fields}
    return with_crc(PLAN_HEADER.build(header) + plan[PLAN_HEADER.sizeof() :])


def look_up(data: bytes, ops: int) -> bytes:
    for op in range(ops):
        data = data.translate(table_of(op))
    return data
