"""CONV_2D and DEPTHWISE_CONV_2D."""

from __future__ import annotations

import numpy as np

from host.arithmetic.scaling import activation_range, convolution_multipliers, window_extent
from host.compiler.lowering.context import Context
from host.compiler.operations import Blob, Operation, Scratch
from host.compiler.rows import round_up
from host.models.graph import OpKind
from protocol.plan import PlanOp

_TILE_PIXELS = 16
_SPARE_TILE_BYTES = 8192


def lower(context: Context) -> Operation:
    """ROWS4 weights, the input's zero point folded into the bias, a multiplier a channel."""
    batch, input_h, input_w, input_c = context.require_rank(4)
    depthwise = context.op.kind is OpKind.DEPTHWISE_CONV_2D
    weights_tensor, weights, weights_q = context.weights(axis=3 if depthwise else 0, rank=4)
    if depthwise:
        _, kernel_h, kernel_w, output_c = weights.shape
        groups, row_c = input_c, 1
        if weights.shape[0] != 1 or output_c % input_c:
            context.refuse(
                f"has weights {weights_tensor.name!r} of shape {list(weights.shape)} "
                f"for {input_c} input channels"
            )
        rows = np.moveaxis(weights[0], 2, 0).reshape(output_c, kernel_h * kernel_w)
    else:
        output_c, kernel_h, kernel_w, row_c = weights.shape
        groups = input_c // row_c
        if input_c % row_c or output_c % groups:
            context.refuse(
                f"has weights {weights_tensor.name!r} of shape {list(weights.shape)} "
                f"for {input_c} input channels"
            )
        rows = weights.reshape(output_c, -1)

    padding = context.attribute("padding")
    stride_h, stride_w = context.attribute("stride")
    dilation_h, dilation_w = context.attribute("dilation")
    output_h, pad_top = window_extent(padding, input_h, kernel_h, stride_h, dilation_h)
    output_w, pad_left = window_extent(padding, input_w, kernel_w, stride_w, dilation_w)
    context.require_shape((batch, output_h, output_w, output_c))

    input_q, output_q = context.quantization(context.input), context.quantization(context.output)
    multipliers, shifts = convolution_multipliers(
        input_q.scale, weights_q.scales, output_q.scale, output_c
    )
    low, high = activation_range(context.attribute("activation"), output_q)
    row_bytes = round_up(rows.shape[1], 4)
    pointwise = (
        not depthwise
        and (kernel_h, kernel_w, stride_h, stride_w, groups) == (1, 1, 1, 1, 1)
        and output_c <= input_c
    )
    planar = depthwise and output_c == input_c and output_h * output_w <= input_h * input_w
    pixels = batch * output_h * output_w
    # A row of the kernel lies in the input as in the weights, whole words of it.
    words_alike = row_c % 4 == 0 and groups == 1 and (dilation_w == 1 or kernel_w == 1)
    padded = (
        pad_top > 0
        or pad_left > 0
        or (output_h - 1) * stride_h + (kernel_h - 1) * dilation_h >= input_h
        or (output_w - 1) * stride_w + (kernel_w - 1) * dilation_w >= input_w
    )
    kind, packed = context.packed(PlanOp.DEPTHWISE_CONV_2D if depthwise else PlanOp.CONV_2D, rows)
    # Packed weights have to be unpacked somewhere, a row at least.
    unpacked_bytes = row_bytes if kind is PlanOp.CONV_2D_INT4 else 0
    in_place_scratch = _tiled(row_bytes, pixels, least_bytes=row_bytes + unpacked_bytes)
    if depthwise:
        expanded_bytes = _plane_bytes(
            (output_h, output_w),
            (kernel_h, kernel_w),
            (stride_h, stride_w),
            (dilation_h, dilation_w),
        )
        scratch = Scratch((expanded_bytes if planar else 0, 0))
        copy_bytes = input_h * input_w  # of a channel: where strides skip input, more than a plane
        in_place_scratch = Scratch((max(expanded_bytes, copy_bytes), copy_bytes))
    elif words_alike:
        # Patches are read in the input, those that reach outside are gathered; a core that
        # multiplies 16-bit pairs gathers all of them where there is room.
        scratch = Scratch(
            (_expanded_bytes(row_bytes) + padded * row_bytes, unpacked_bytes),
            spare_bytes=in_place_scratch.spare_bytes,
        )
    else:
        scratch = _tiled(row_bytes, pixels, least_bytes=unpacked_bytes)
    return context.operation(
        kind,
        {
            **context.require_uint16(
                batch=batch,
                input_h=input_h,
                input_w=input_w,
                input_c=input_c,
                output_h=output_h,
                output_w=output_w,
                output_c=output_c,
                kernel_h=kernel_h,
                kernel_w=kernel_w,
                groups=groups,
                stride_h=stride_h,
                stride_w=stride_w,
                dilation_h=dilation_h,
                dilation_w=dilation_w,
                pad_top=pad_top,
                pad_left=pad_left,
            ),
            "pad_value": input_q.zero_point,
            "output_zero_point": output_q.zero_point,
            "activation_min": low,
            "activation_max": high,
            "weights_offset": packed,
            "bias_offset": Blob.of(context.folded_bias(rows, input_q.zero_point)),
            "multipliers_offset": Blob.of(multipliers),
            "shifts_offset": Blob.of(shifts),
        },
        macs=pixels * output_c * kernel_h * kernel_w * row_c,
        scratch=scratch,
        in_place=(context.op.inputs[0],) if pointwise or planar else (),
        in_place_scratch=in_place_scratch,
    )


def _expanded_bytes(row_bytes: int) -> int:
    """A fast kernel's weights of four output channels, 16 bits each."""
    return 8 * row_bytes


def _tiled(row_bytes: int, pixels: int, least_bytes: int) -> Scratch:
    """For a kernel that gathers the patches (what an output pixel sees of the input) of a tile.

    The work of expanding the weights is shared by a tile's pixels: the larger, the faster.
    """

    def tile(limit: int) -> int:
        return _expanded_bytes(row_bytes) + min(pixels, limit) * row_bytes

    large = max(_TILE_PIXELS, _SPARE_TILE_BYTES // row_bytes)
    return Scratch((tile(_TILE_PIXELS), least_bytes), spare_bytes=tile(large))


def _plane_bytes(
    output: tuple[int, int],
    kernel: tuple[int, int],
    stride: tuple[int, int],
    dilation: tuple[int, int],
) -> int:
    """A fast kernel's weights and padded input of one channel, a word each.

    Output rows are computed in pairs, the input of both in one word.
    """
    last_row, last_column = round_up(output[0], 2) - 2, output[1] - 1
    rows = last_row * stride[0] + (kernel[0] - 1) * dilation[0] + 1
    columns = last_column * stride[1] + (kernel[1] - 1) * dilation[1] + 1
    return 4 * (rows * columns + kernel[0] * kernel[1])
