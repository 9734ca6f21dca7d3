"""AVERAGE_POOL_2D and MAX_POOL_2D."""

from __future__ import annotations

from host.arithmetic.scaling import activation_range, window_extent
from host.compiler.lowering.context import Context
from host.compiler.operations import Operation
from protocol.plan import PlanOp


def lower(context: Context) -> Operation:
    """Padding is left out of the window, not counted in."""
    batch, input_h, input_w, channels = context.require_rank(4)
    padding = context.attribute("padding")
    window_h, window_w = context.attribute("window")
    stride_h, stride_w = context.attribute("stride")
    output_h, pad_top = window_extent(padding, input_h, window_h, stride_h, 1)
    output_w, pad_left = window_extent(padding, input_w, window_w, stride_w, 1)
    context.require_shape((batch, output_h, output_w, channels))
    quantization = context.same_quantization(context.input, context.output)
    low, high = activation_range(context.attribute("activation"), quantization)
    return context.operation(
        PlanOp[context.op.kind.name],
        {
            **context.require_uint16(
                batch=batch,
                input_h=input_h,
                input_w=input_w,
                channels=channels,
                output_h=output_h,
                output_w=output_w,
                window_h=window_h,
                window_w=window_w,
                stride_h=stride_h,
                stride_w=stride_w,
                pad_top=pad_top,
                pad_left=pad_left,
            ),
            "activation_min": low,
            "activation_max": high,
        },
    )
