"""SOFTMAX over the last dimension."""

from __future__ import annotations

from host.arithmetic.tables import SOFTMAX_MAX_DEPTH, softmax_table
from host.compiler.lowering.context import Context
from host.compiler.lowering.lookup import require_probability
from host.compiler.operations import Blob, Operation
from protocol.plan import PlanOp


def lower(context: Context) -> Operation:
    """A table of exponentials; the kernel sums, inverts and scales."""
    context.require_shape(context.input.shape)
    if not context.input.shape:
        context.refuse(f"has the scalar input {context.input.name!r}; give it a dimension")
    require_probability(context, context.quantization(context.output))
    depth = context.input.shape[-1]
    if depth > SOFTMAX_MAX_DEPTH:
        context.refuse(f"has rows of {depth} elements; at most {SOFTMAX_MAX_DEPTH} are supported")
    table = softmax_table(context.quantization(context.input), context.attribute("beta"))
    return context.operation(
        PlanOp.SOFTMAX,
        {
            "rows": context.input.elements // depth,
            "depth": depth,
            "table_entries": len(table),
            "table_offset": Blob.of(table),
        },
        in_place=(context.op.inputs[0],),
    )
