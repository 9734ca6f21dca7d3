"""What an op makes a core do, as counts that cycles are linear in.

The counts follow the runtime's kernels (firmware/runtime): which of a kernel's ways a plan's op
takes is decided by its shape and scratch there and here alike. A core without one of those ways
does the same work by another; its fit then gives the counts that it does not have no weight.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import attrs

from host.compiler import PlannedOp
from protocol.plan import PlanOp

Counts = dict[str, float]

_BLOCK_CHANNELS = 4
"""Output channels that a fast CONV_2D computes at once."""
UNPACKED = {
    PlanOp.CONV_2D_INT4: PlanOp.CONV_2D,
    PlanOp.FULLY_CONNECTED_INT4: PlanOp.FULLY_CONNECTED,
}
"""Kinds that are taken for the one that has the same weights as bytes."""
_LEAST_QUADS = 4
"""Shorter rows of FULLY_CONNECTED are left to the plain kernel."""


@attrs.frozen
class Work:
    """``way``: the op's kind and the way its kernel takes; ``counts``: how often it does what.

    ``passes``: how often its constants are read from end to end.
    """

    way: str
    counts: Counts
    passes: float = 1.0

    @property
    def kind(self) -> str:
        return self.way.partition("/")[0]


def work_of(op: PlannedOp) -> Work:
    """The work of one run of ``op``."""
    kind = UNPACKED.get(op.kind, op.kind)
    work = _WORK[kind](op)
    way = f"{kind.name}/{work.way}" if work.way else kind.name
    return Work(way, {"op": 1.0, **work.counts}, work.passes)


def _number(op: PlannedOp, name: str) -> int:
    value = op.parameters[name]
    assert isinstance(value, int)
    return value


def _list(op: PlannedOp, name: str) -> list[int]:
    value = op.parameters[name]
    assert isinstance(value, list)
    return value


def _round4(count: int) -> int:
    return -(-count // 4) * 4


@attrs.frozen
class _Axis:
    """A window going along one dimension, in elements."""

    input: int
    output: int
    window: int
    stride: int
    dilation: int
    before: int

    @property
    def touched(self) -> int:
        """Window positions that lie inside the input, over all outputs."""
        return sum(
            0 <= out * self.stride - self.before + tap * self.dilation < self.input
            for out in range(self.output)
            for tap in range(self.window)
        )

    @property
    def whole(self) -> int:
        """Outputs whose window lies inside altogether."""
        reach = (self.window - 1) * self.dilation
        starts = (out * self.stride - self.before for out in range(self.output))
        return sum(start >= 0 and start + reach < self.input for start in starts)

    @property
    def spread(self) -> int:
        """Elements from the first that a window sees to the last, padding included."""
        return (self.output - 1) * self.stride + (self.window - 1) * self.dilation + 1


def _axes(op: PlannedOp, window: str) -> tuple[_Axis, _Axis]:
    rows, columns = (
        _Axis(
            input=_number(op, f"input_{side}"),
            output=_number(op, f"output_{side}"),
            window=_number(op, f"{window}_{side}"),
            stride=_number(op, f"stride_{side}"),
            dilation=_number(op, f"dilation_{side}") if f"dilation_{side}" in op.parameters else 1,
            before=_number(op, before),
        )
        for side, before in (("h", "pad_top"), ("w", "pad_left"))
    )
    return rows, columns


def _plain_convolution(op: PlannedOp, rows: _Axis, columns: _Axis) -> Counts:
    """A dot product an output, kernel row by kernel row."""
    batch, output_c = _number(op, "batch"), _number(op, "output_c")
    depth = _number(op, "input_c") // _number(op, "groups")
    outputs = batch * rows.output * columns.output * output_c
    inside = batch * rows.touched * columns.touched * output_c * depth
    return {
        "mac": inside,
        "padding_mac": outputs * rows.window * columns.window * depth - inside,
        "output": outputs,
        "kernel_row": outputs * rows.window,
        "pixel": batch * rows.output * columns.output,
    }


def _conv_2d(op: PlannedOp) -> Work:
    rows, columns = _axes(op, "kernel")
    batch, groups = _number(op, "batch"), _number(op, "groups")
    input_c, output_c = _number(op, "input_c"), _number(op, "output_c")
    row_bytes = _round4(rows.window * columns.window * (input_c // groups))
    pixels = batch * rows.output * columns.output
    plain = _plain_convolution(op, rows, columns)
    tile = op.scratch_bytes // row_bytes - 2 * _BLOCK_CHANNELS  # patches there is room for
    is_direct = (
        groups == 1
        and input_c % 4 == 0
        and (columns.dilation == 1 or columns.window == 1)
        and not op.in_place
    )
    is_padded = rows.whole < rows.output or columns.whole < columns.output
    if tile < 0 or (tile == 0 and (is_padded or not is_direct)):
        return Work("plain in place" if op.in_place else "plain", plain, pixels)

    group_blocks, tail = divmod(output_c // groups, _BLOCK_CHANNELS)
    blocks = groups * (group_blocks + (tail > 0))
    counts = {
        **plain,
        "block_mac": pixels * blocks * _BLOCK_CHANNELS * row_bytes,
        "pixel_block": pixels * blocks,
        "tail_pixel": pixels * groups * (tail > 0),
    }
    weights_bytes = blocks * _BLOCK_CHANNELS * row_bytes
    if is_direct:
        edge = batch * (rows.output * columns.output - rows.whole * columns.whole)
        direct = {
            **counts,
            "expanded_byte": weights_bytes,
            "block": blocks,
            "segment": pixels * blocks * rows.window,
            "output_row": batch * rows.output * blocks,
            "edge_pixel": edge * blocks,
            "gathered_row": edge * blocks * rows.window,
            "gathered_byte": edge * blocks * row_bytes,
        }
        return Work("direct", direct)
    tiles = -(-pixels // tile)
    gathered = {
        **counts,
        "expanded_byte": tiles * weights_bytes,
        "block": tiles * blocks,
        "gathered_patch": pixels * groups,
        "gathered_row": pixels * groups * rows.window,
        "gathered_byte": pixels * groups * row_bytes,
    }
    return Work("gathered", gathered, tiles)


def _depthwise_conv_2d(op: PlannedOp) -> Work:
    rows, columns = _axes(op, "kernel")
    batch, channels = _number(op, "batch"), _number(op, "input_c")
    taps = rows.window * columns.window
    pairs = (rows.output + 1) // 2  # of output rows, which one multiplication serves
    spread = attrs.evolve(rows, output=2 * pairs - 1).spread
    plain = _plain_convolution(op, rows, columns)
    if _number(op, "output_c") != channels or op.scratch_bytes < 4 * (
        spread * columns.spread + taps
    ):
        if op.in_place:
            copied = batch * channels * rows.input * columns.input
            planes = {**plain, "copied": copied, "channel": batch * channels}
            return Work("plain in place", planes, batch)
        return Work("plain", plain, plain["pixel"])
    windows = batch * channels * pairs * columns.output
    is_3x3 = (rows.window, columns.window, rows.dilation, columns.dilation) == (3, 3, 1, 1)
    inside = min(columns.input + columns.before, columns.spread) - max(columns.before, 0)
    counts = {
        **plain,
        "channel": batch * channels,
        "tap": batch * channels * taps,
        "window": windows,
        "window_row": windows * rows.window,
        "window_pair": windows * rows.window * (columns.window // 2),
        "window_single": windows * rows.window * (columns.window % 2),
        "spread_row": batch * channels * spread,
        "spread_word": batch * channels * spread * max(inside, 0),
        "padding_word": spread * columns.spread,
    }
    return Work("planes 3x3" if is_3x3 else "planes", counts, batch)


def _fully_connected(op: PlannedOp) -> Work:
    batch = _number(op, "batch")
    inputs, outputs = _number(op, "inputs"), _number(op, "outputs")
    quads = -(-inputs // 4)
    counts: Counts = {"mac": batch * inputs * outputs, "output": batch * outputs, "row": batch}
    if quads < _LEAST_QUADS or op.scratch_bytes < 8 * quads:
        return Work("plain", counts, batch)
    paired: Counts = {**counts, "quad": batch * outputs * quads, "input": batch * inputs}
    return Work("paired", paired, batch)


def _elementwise(op: PlannedOp) -> Work:
    dims = _list(op, "dims")
    return Work("", {"output": math.prod(dims), "row": math.prod(dims[:-1])})


def _pool(op: PlannedOp) -> Work:
    rows, columns = _axes(op, "window")
    batch, channels = _number(op, "batch"), _number(op, "channels")
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
    rows = _number(op, "rows")
    elements = rows * _number(op, "depth")
    # What lies farther from a row's largest element has no entry: its exponential is 0.
    near = min(1.0, _number(op, "table_entries") / 256)
    return Work("", {"row": rows, "element": elements, "near_element": elements * near})


def _lookup(op: PlannedOp) -> Work:
    return Work("", {"element": _number(op, "count")})


def _pad(op: PlannedOp) -> Work:
    dims, before, after = (_list(op, name) for name in ("dims", "before", "after"))
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
    outputs, reduced = math.prod(_list(op, "kept_dims")), math.prod(_list(op, "reduced_dims"))
    dims = _list(op, "reduced_dims")
    return Work(
        "",
        {
            "read": outputs * reduced,
            "carry": outputs * reduced / max(1, dims[-1]),
            "output": outputs,
        },
    )


def _concatenation(op: PlannedOp) -> Work:
    outer = _number(op, "outer")
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
    dims = _list(op, "dims")
    return Work("", {"element": math.prod(dims), "row": math.prod(dims[:-1])})


def _copy(op: PlannedOp) -> Work:
    size = _number(op, "size_bytes")
    return Work("in place" if op.in_place else "", {"byte": size})


_WORK: dict[PlanOp, Callable[[PlannedOp], Work]] = {
    PlanOp.CONV_2D: _conv_2d,
    PlanOp.DEPTHWISE_CONV_2D: _depthwise_conv_2d,
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
