"""ADD and MUL, with broadcasting."""

from __future__ import annotations

import numpy as np

from host.arithmetic.elementwise import Elementwise
from host.arithmetic.scaling import ADD_LEFT_SHIFT, AddScaling
from host.arithmetic.tables import INT8_VALUES
from host.compiler.lowering.context import Context
from host.compiler.lowering.lookup import lookup_operation
from host.compiler.operations import Operation, Parameter
from host.models.graph import OpKind, Tensor
from protocol.plan import PlanOp

LOOP_DIMS = 4


def lower(context: Context) -> Operation:
    """A loop over at most 4 dimensions; a table where one operand is a single constant."""
    first, second = context.input_at(0), context.input_at(1)
    make = Elementwise.add if context.op.kind is OpKind.ADD else Elementwise.mul
    arithmetic = make(
        context.quantization(first),
        context.quantization(second),
        context.quantization(context.output),
        context.attribute("activation"),
    )
    try:
        expected = np.broadcast_shapes(first.shape, second.shape)
    except ValueError:
        context.refuse(f"has inputs of shapes {list(first.shape)} and {list(second.shape)}")
    context.require_shape(expected)
    by_table = _lower_single_constant(context, arithmetic, (first, second))
    if by_table is not None:
        return by_table

    dims, strides1, strides2 = _loop(context, first.shape, second.shape, expected)
    parameters: dict[str, Parameter] = {
        "input1_offset": -arithmetic.input1_zero_point,
        "input2_offset": -arithmetic.input2_zero_point,
        "output_offset": arithmetic.output_zero_point,
        "activation_min": arithmetic.activation_min,
        "activation_max": arithmetic.activation_max,
        "dims": dims,
        "input1_strides": strides1,
        "input2_strides": strides2,
    }
    if isinstance(arithmetic.scaling, AddScaling):
        scaling = arithmetic.scaling
        parameters["input1_multiplier"], parameters["input1_shift"] = scaling.input1
        parameters["input2_multiplier"], parameters["input2_shift"] = scaling.input2
        parameters["output_multiplier"], parameters["output_shift"] = scaling.output
        parameters["left_shift"] = ADD_LEFT_SHIFT
    else:
        parameters["output_multiplier"], parameters["output_shift"] = arithmetic.scaling
        for unused in ("input1_multiplier", "input2_multiplier", "input1_shift", "input2_shift"):
            parameters[unused] = 0
        parameters["left_shift"] = 0
    return context.operation(
        PlanOp[context.op.kind.name],
        parameters,
        in_place=tuple(
            index
            for index in context.op.inputs[:2]
            if index is not None
            and context.graph.tensors[index].elements == context.output.elements
        ),
    )


def _lower_single_constant(
    context: Context, arithmetic: Elementwise, operands: tuple[Tensor, Tensor]
) -> Operation | None:
    """A lookup table, where one operand has one constant value throughout."""
    for position, constant in enumerate(operands):
        variable = operands[1 - position]
        if constant.data is None or variable.data is not None:
            continue
        if variable.elements != context.output.elements or np.ptp(constant.data):
            continue
        value = constant.data.flat[0]
        table = (
            arithmetic.evaluate(value, INT8_VALUES)
            if position == 0
            else arithmetic.evaluate(INT8_VALUES, value)
        )
        source = context.op.inputs[1 - position]
        assert source is not None
        return lookup_operation(context, PlanOp.QUANTIZE, source, table)
    return None


def _loop(
    context: Context,
    shape1: tuple[int, ...],
    shape2: tuple[int, ...],
    output: tuple[int, ...],
) -> tuple[list[int], list[int], list[int]]:
    """Dimensions and the inputs' strides in elements, neighbouring dimensions joined."""
    rank = len(output)
    extents1 = (1,) * (rank - len(shape1)) + shape1
    extents2 = (1,) * (rank - len(shape2)) + shape2
    joined: list[tuple[int, bool, bool]] = []
    for extent, extent1, extent2 in zip(output, extents1, extents2, strict=True):
        if extent == 1:
            continue
        varies = (extent1 != 1, extent2 != 1)
        if joined and joined[-1][1:] == varies:
            joined[-1] = (joined[-1][0] * extent, *varies)
        else:
            joined.append((extent, *varies))
    if len(joined) > LOOP_DIMS:
        context.refuse(
            f"broadcasts {list(shape1)} against {list(shape2)} in {len(joined)} dimensions; "
            f"at most {LOOP_DIMS} are supported"
        )
    joined = [(1, True, True)] * (LOOP_DIMS - len(joined)) + joined
    return (
        [extent for extent, _, _ in joined],
        _loop_strides([(extent, varies) for extent, varies, _ in joined]),
        _loop_strides([(extent, varies) for extent, _, varies in joined]),
    )


def _loop_strides(loop: list[tuple[int, bool]]) -> list[int]:
    """Strides in elements of an operand that has only the dimensions it varies along."""
    strides: list[int] = []
    step = 1
    for extent, varies in reversed(loop):
        strides.insert(0, step if varies else 0)
        step *= extent if varies else 1
    return strides
