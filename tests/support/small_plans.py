"""Small plans that need no compiler, with what they compute known by hand."""

from __future__ import annotations

from protocol.plan import PlanOp
from tests.support.plan_builder import PlanBuilder


def complement_plan(elements: int = 64, padding_bytes: int = 0) -> bytes:
    """One lookup op that gives ``~x`` of each byte; ``padding_bytes`` of data make it longer."""
    builder = PlanBuilder()
    source = builder.tensor((1, elements))
    sink = builder.tensor((1, elements))
    builder.inputs.append(source)
    builder.outputs.append(sink)
    table = builder.data(bytes(byte ^ 0xFF for byte in range(256)))
    # Not all alike, so that a chunk put in another's place changes the checksum.
    builder.data(bytes((index * index >> 3) & 0xFF for index in range(padding_bytes)))
    builder.op(PlanOp.QUANTIZE, [source], [sink], {"count": elements, "table_offset": table})
    return builder.build()


def complement(data: bytes) -> bytes:
    """What complement_plan computes."""
    return bytes(byte ^ 0xFF for byte in data)
