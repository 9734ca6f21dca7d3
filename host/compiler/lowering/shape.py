"""Ops that move or reduce elements: PAD, MEAN, CONCATENATION, TRANSPOSE, RESHAPE."""

from __future__ import annotations

import math
from collections.abc import Sequence

from host.arithmetic.scaling import mean_scaling
from host.compiler.lowering.context import Context
from host.compiler.operations import Operation
from host.models.graph import Activation
from protocol.plan import MAX_OP_TENSORS, MAX_RANK, PlanOp


def _leading(values: Sequence[int], fill: int) -> list[int]:
    """``values`` filled up in front to the plan's number of dimensions."""
    return [fill] * (MAX_RANK - len(values)) + list(values)


def _strides(shape: Sequence[int]) -> list[int]:
    return [math.prod(shape[axis + 1 :]) for axis in range(len(shape))]


def _require_max_rank(context: Context) -> tuple[int, ...]:
    shape = context.input.shape
    if len(shape) > MAX_RANK:
        context.refuse(f"has {len(shape)} dimensions; at most {MAX_RANK} are supported")
    return shape


def lower_pad(context: Context) -> Operation:
    """Pads with the zero point, which stands for 0."""
    shape = _require_max_rank(context)
    paddings = context.attribute("paddings")
    expected = tuple(
        before + extent + after for extent, (before, after) in zip(shape, paddings, strict=True)
    )
    context.require_shape(expected)
    quantization = context.same_quantization(context.input, context.output)
    return context.operation(
        PlanOp.PAD,
        {
            "dims": _leading(shape, 1),
            "before": _leading([before for before, _ in paddings], 0),
            "after": _leading([after for _, after in paddings], 0),
            "value": quantization.zero_point,
        },
    )


def lower_mean(context: Context) -> Operation:
    """Sums over the reduced dimensions; the multiplier divides by their number."""
    shape = _require_max_rank(context)
    axes, strides = context.attribute("axes"), _strides(shape)
    kept = [axis for axis in range(len(shape)) if axis not in axes]
    if context.attribute("keep_dims"):
        expected = tuple(1 if axis in axes else extent for axis, extent in enumerate(shape))
    else:
        expected = tuple(shape[axis] for axis in kept)
    context.require_shape(expected)
    source, target = context.quantization(context.input), context.quantization(context.output)
    count = math.prod(shape[axis] for axis in axes)
    multiplier, shift = mean_scaling(source.scale, target.scale, count)
    return context.operation(
        PlanOp.MEAN,
        {
            "kept_dims": _leading([shape[axis] for axis in kept], 1),
            "kept_strides": _leading([strides[axis] for axis in kept], 0),
            "reduced_dims": _leading([shape[axis] for axis in axes], 1),
            "reduced_strides": _leading([strides[axis] for axis in axes], 0),
            "input_zero_point": source.zero_point,
            "output_zero_point": target.zero_point,
            "multiplier": multiplier,
            "shift": shift,
        },
    )


def lower_concatenation(context: Context) -> Operation:
    """Rows of the inputs one after another."""
    axis = context.attribute("axis")
    inputs = [context.input_at(position) for position in range(len(context.op.inputs))]
    if len(inputs) >= MAX_OP_TENSORS:
        context.refuse(f"joins {len(inputs)} tensors; at most {MAX_OP_TENSORS - 1} are supported")
    if context.attribute("activation") is not Activation.NONE:
        context.refuse("has a fused activation; put it into a layer of its own")
    first = inputs[0].shape
    for tensor in inputs:
        context.same_quantization(tensor, context.output)
        if tensor.shape[:axis] + tensor.shape[axis + 1 :] != first[:axis] + first[axis + 1 :]:
            context.refuse(
                f"joins {inputs[0].name!r} {list(first)} and {tensor.name!r} {list(tensor.shape)}"
            )
    joined = sum(tensor.shape[axis] for tensor in inputs)
    context.require_shape((*first[:axis], joined, *first[axis + 1 :]))
    return context.operation(PlanOp.CONCATENATION, {"outer": math.prod(first[:axis])})


def lower_transpose(context: Context) -> Operation:
    """Reads the input with permuted strides."""
    shape = _require_max_rank(context)
    permutation, strides = context.attribute("permutation"), _strides(shape)
    context.require_shape(tuple(shape[axis] for axis in permutation))
    return context.operation(
        PlanOp.TRANSPOSE,
        {
            "dims": _leading([shape[axis] for axis in permutation], 1),
            "input_strides": _leading([strides[axis] for axis in permutation], 0),
        },
    )


def lower_reshape(context: Context) -> Operation:
    """A copy, where it could not be folded away."""
    if context.input.elements != context.output.elements:
        context.refuse(f"turns {list(context.input.shape)} into {list(context.output.shape)}")
    return context.operation(
        PlanOp.RESHAPE, {"size_bytes": context.output.elements}, in_place=(context.op.inputs[0],)
    )
