"""LOGISTIC, HARD_SWISH and QUANTIZE from int8 to int8: one table of 256 entries each."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from host.arithmetic.tables import (
    OUTPUT_SCALE,
    OUTPUT_ZERO_POINT,
    hard_swish_table,
    logistic_table,
    requantize_table,
)
from host.compiler.lowering.context import Context
from host.compiler.operations import Blob, Operation
from host.models.graph import OpKind, Quantization
from protocol.plan import PlanOp


def lower(context: Context) -> Operation:
    """The table, entry by entry as TFLM's kernel would compute it."""
    context.require_shape(context.input.shape)
    source, target = context.quantization(context.input), context.quantization(context.output)
    kind = context.op.kind
    if kind is OpKind.LOGISTIC:
        require_probability(context, target)
        table = logistic_table(source)
    elif kind is OpKind.HARD_SWISH:
        table = hard_swish_table(source, target)
    else:
        table = requantize_table(source, target)
    index = context.op.inputs[0]
    assert index is not None
    return lookup_operation(context, PlanOp[kind.name], index, table)


def lookup_operation(
    context: Context, kind: PlanOp, source: int, table: NDArray[np.int8]
) -> Operation:
    """An op that maps every byte of tensor ``source`` through ``table``."""
    return Operation(
        kind=kind,
        inputs=(source,),
        output=context.op.outputs[0],
        parameters={"count": context.output.elements, "table_offset": Blob.of(table, 4)},
        in_place=(source,),
        source_index=context.op.source_index,
        name=context.op.name,
    )


def require_probability(context: Context, target: Quantization) -> None:
    """SOFTMAX and LOGISTIC give [0, 1) over the whole of int8 and nothing else."""
    if target.scale != OUTPUT_SCALE or target.zero_point != OUTPUT_ZERO_POINT:
        context.refuse(
            f"has output {context.output.name!r} with scale {target.scale} and zero point "
            f"{target.zero_point}; 1/256 and -128 are supported"
        )
