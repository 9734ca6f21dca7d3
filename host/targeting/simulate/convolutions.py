"""The work of CONV_2D and DEPTHWISE_CONV_2D, whose kernels have several ways."""

from __future__ import annotations

import attrs

from host.compiler import PlannedOp
from host.targeting.simulate.counts import Axis, Counts, Work, axes, number, round_up4

_BLOCK_CHANNELS = 4
"""Output channels that a fast CONV_2D computes at once."""


def _plain_convolution(op: PlannedOp, rows: Axis, columns: Axis) -> Counts:
    """A dot product an output, kernel row by kernel row."""
    batch, output_c = number(op, "batch"), number(op, "output_c")
    input_c = number(op, "input_c")
    depth = input_c // number(op, "groups")
    outputs = batch * rows.output * columns.output * output_c
    positions = batch * rows.touched * columns.touched * output_c
    inside = positions * depth
    return {
        "mac": inside,
        "padding_mac": outputs * rows.window * columns.window * depth - inside,
        "output": outputs,
        "kernel_row": outputs * rows.window,
        "pixel": batch * rows.output * columns.output,
        # Where a kernel row does not lie in one piece in the input: its positions, one by one.
        "piece": positions if columns.dilation * input_c != depth else 0,
    }


def conv_2d(op: PlannedOp) -> Work:
    rows, columns = axes(op, "kernel")
    batch, groups = number(op, "batch"), number(op, "groups")
    input_c, output_c = number(op, "input_c"), number(op, "output_c")
    row_bytes = round_up4(rows.window * columns.window * (input_c // groups))
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
        return Work("plain", plain, pixels)

    group_blocks, tail = divmod(output_c // groups, _BLOCK_CHANNELS)
    blocks = groups * (group_blocks + (tail > 0))
    weights_bytes = blocks * _BLOCK_CHANNELS * row_bytes
    counts = {
        **plain,
        "block_mac": pixels * weights_bytes,
        "pixel_block": pixels * blocks,
        "tail_pixel": pixels * groups * (tail > 0),
        **_pixel_pairs(op, row_bytes, pixels, weights_bytes),
    }
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
            "patch_row": pixels * rows.window,
            "patch_byte": pixels * row_bytes,
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


def _pixel_pairs(op: PlannedOp, row_bytes: int, pixels: int, weights_bytes: int) -> Counts:
    """Of a kernel that expands all patches, pairs of pixels side by side, as the Cortex-M33's.

    Four rows of patch bytes hold a pair; with room for two further pairs, the weights of four
    channels are expanded there for a tile of pixels.
    """
    depth = number(op, "input_c") // number(op, "groups")
    room = op.scratch_bytes - (row_bytes if depth % 4 else 0)
    pairs = room // (4 * row_bytes) - 2
    if pairs < 2:
        return {"pair_mac": -(-pixels // 2) * 2 * weights_bytes}
    return {"pair_expanded_byte": -(-pixels // (2 * pairs)) * weights_bytes}


def depthwise_conv_2d(op: PlannedOp) -> Work:
    rows, columns = axes(op, "kernel")
    batch, channels = number(op, "batch"), number(op, "input_c")
    taps = rows.window * columns.window
    pairs = (rows.output + 1) // 2  # of output rows, which one multiplication serves
    spread = attrs.evolve(rows, output=2 * pairs - 1).spread
    plain = _plain_convolution(op, rows, columns)
    if number(op, "output_c") != channels or op.scratch_bytes < 4 * (
        spread * columns.spread + taps
    ):
        if op.in_place:
            copied = batch * channels * rows.input * columns.input
            planes = {**plain, "copied": copied, "channel": batch * channels}
            return Work("plain", planes, batch)
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
        "row_pair_tap": plain["output"] * (rows.window // 2 + 1) * columns.window,
        "strip_output": windows if rows.stride == 1 else plain["output"],
        "loaded": batch * channels * rows.input * columns.input,
        "copied": batch * channels * rows.input * columns.input * op.in_place,
        "spread_row": batch * channels * spread,
        "spread_word": batch * channels * spread * max(inside, 0),
        "padding_word": spread * columns.spread,
    }
    return Work("planes 3x3" if is_3x3 else "planes", counts, batch)
