"""What an op makes a core do, as counts that cycles are linear in.

The counts follow the runtime's kernels (firmware/runtime): which of a kernel's ways a plan's op
takes is decided by its shape and scratch there and here alike. A core without one of those ways
does the same work by another; its fit then gives the counts that it does not have no weight.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from host.compiler import PlannedOp
from host.targeting.simulate.convolutions import conv_2d, depthwise_conv_2d
from host.targeting.simulate.counts import Counts, Work, axes, number, numbers
from protocol.plan import PlanOp

IN_PLACE = " in place"
_OTHERWISE_IN_PLACE = (PlanOp.CONV_2D, PlanOp.DEPTHWISE_CONV_2D)
"""Kinds whose kernels work in place in a way of their own; the others do not notice."""
UNPACKED = {
    PlanOp.CONV_2D_INT4: PlanOp.CONV_2D,
    PlanOp.FULLY_CONNECTED_INT4: PlanOp.FULLY_CONNECTED,
}
"""Kinds of packed weights, and those of the same work with weights as bytes."""
_LEAST_QUADS = 4
"""Of a row of FULLY_CONNECTED; some kernels leave shorter ones to the plain kernel."""


def work_of(op: PlannedOp) -> Work:
    """The work of one run of ``op``; what unpacking weights takes is not in the counts."""
    kind = UNPACKED.get(op.kind, op.kind)
    work = _WORK[kind](op)
    way = f"{op.kind.name}/{work.way}" if work.way else op.kind.name
    if op.in_place and kind in _OTHERWISE_IN_PLACE:
        way += IN_PLACE
    return Work(way, {"op": 1.0, **work.counts}, work.passes)


def _fully_connected(op: PlannedOp) -> Work:
    batch = number(op, "batch")
    inputs, outputs = number(op, "inputs"), number(op, "outputs")
    quads = -(-inputs // 4)
    counts: Counts = {"mac": batch * inputs * outputs, "output": batch * outputs, "row": batch}
    if op.scratch_bytes < 8 * quads:
        return Work("plain", counts, batch)
    paired: Counts = {
        **counts,
        "quad": batch * outputs * quads,
        "pair_quad": batch * -(-outputs // 2) * quads,
        "input": batch * inputs,
    }
    return Work("paired" if quads >= _LEAST_QUADS else "short", paired, batch)


def _elementwise(op: PlannedOp) -> Work:
    dims = numbers(op, "dims")
    output = math.prod(dims)
    strides = [stride for which in (1, 2) for stride in numbers(op, f"input{which}_strides")]
    # Where an operand is broadcast, kernels that take several elements at once cannot.
    way = "broadcast" if 0 in (s for s, d in zip(strides, dims * 2, strict=True) if d > 1) else ""
    return Work(way, {"output": output, "row": math.prod(dims[:-1])})


def _pool(op: PlannedOp) -> Work:
    rows, columns = axes(op, "window")
    batch, channels = number(op, "batch"), number(op, "channels")
    pixels = batch * rows.output * columns.output
    return Work(
        "",
        {
            "read": batch * channels * rows.touched * columns.touched,
            "window_row": batch * channels * rows.touched * columns.output,
            "output": pixels * channels,
            "pixel": pixels,
        },
    )


def _softmax(op: PlannedOp) -> Work:
    rows = number(op, "rows")
    elements = rows * number(op, "depth")
    # What lies farther from a row's largest element has no entry: its exponential is 0.
    near = min(1.0, number(op, "table_entries") / 256)
    return Work("", {"row": rows, "element": elements, "near_element": elements * near})


def _lookup(op: PlannedOp) -> Work:
    return Work("", {"element": number(op, "count")})


def _pad(op: PlannedOp) -> Work:
    dims, before, after = (numbers(op, name) for name in ("dims", "before", "after"))
    output = math.prod(sum(extents) for extents in zip(dims, before, after, strict=True))
    aligned = dims[-1] % 4 == 0 and before[-1] % 4 == 0 and after[-1] % 4 == 0
    copied = math.prod(dims)
    return Work(
        "",
        {
            "filled_byte": output,
            "row": math.prod(dims[:-1]),
            "copied_word" if aligned else "copied_byte": copied / 4 if aligned else copied,
        },
    )


def _mean(op: PlannedOp) -> Work:
    outputs, reduced = math.prod(numbers(op, "kept_dims")), math.prod(numbers(op, "reduced_dims"))
    dims = numbers(op, "reduced_dims")
    return Work(
        "",
        {
            "read": outputs * reduced,
            "carry": outputs * reduced / max(1, dims[-1]),
            "output": outputs,
        },
    )


def _concatenation(op: PlannedOp) -> Work:
    outer = number(op, "outer")
    output_row = op.output_bytes // outer
    counts: Counts = {"copy": outer * len(op.input_bytes), "input": len(op.input_bytes)}
    counts |= {"word": 0.0, "byte": 0.0}
    column = 0
    for size in op.input_bytes:
        row = size // outer
        aligned = outer == 1 or (row % 4 == 0 and output_row % 4 == 0)
        if aligned and column % 4 == 0:
            counts["word"] += outer * (row // 16) * 4
            counts["byte"] += outer * (row % 16)
        else:
            counts["byte"] += outer * row
        column += row
    return Work("", counts)


def _transpose(op: PlannedOp) -> Work:
    dims = numbers(op, "dims")
    return Work("", {"element": math.prod(dims), "row": math.prod(dims[:-1])})


def _copy(op: PlannedOp) -> Work:
    return Work("", {"byte": number(op, "size_bytes") * (not op.in_place)})


_WORK: dict[PlanOp, Callable[[PlannedOp], Work]] = {
    PlanOp.CONV_2D: conv_2d,
    PlanOp.DEPTHWISE_CONV_2D: depthwise_conv_2d,
    PlanOp.FULLY_CONNECTED: _fully_connected,
    PlanOp.ADD: _elementwise,
    PlanOp.MUL: _elementwise,
    PlanOp.AVERAGE_POOL_2D: _pool,
    PlanOp.MAX_POOL_2D: _pool,
    PlanOp.SOFTMAX: _softmax,
    PlanOp.LOGISTIC: _lookup,
    PlanOp.HARD_SWISH: _lookup,
    PlanOp.QUANTIZE: _lookup,
    PlanOp.PAD: _pad,
    PlanOp.MEAN: _mean,
    PlanOp.CONCATENATION: _concatenation,
    PlanOp.TRANSPOSE: _transpose,
    PlanOp.RESHAPE: _copy,
    PlanOp.CONSTANT: _copy,
}
