"""FULLY_CONNECTED."""

from __future__ import annotations

from host.arithmetic.scaling import activation_range, fully_connected_multipliers
from host.compiler.lowering.context import Context
from host.compiler.operations import Blob, Operation, Scratch
from host.compiler.rows import round_up
from protocol.plan import PlanOp


def lower(context: Context) -> Operation:
    """ROWS4 weights [outputs, inputs]; the input is read as rows of ``inputs``."""
    weights_tensor, weights, weights_q = context.weights(axis=0, rank=2)
    outputs, inputs = weights.shape
    if context.input.elements % inputs:
        context.refuse(
            f"has input {context.input.name!r} of {context.input.elements} elements for weights "
            f"{weights_tensor.name!r} of shape {list(weights.shape)}"
        )
    batch = context.input.elements // inputs
    shape = context.output.shape
    if context.output.elements != batch * outputs or shape[-1:] != (outputs,):
        context.require_shape((batch, outputs))
    input_q, output_q = context.quantization(context.input), context.quantization(context.output)
    multipliers, shifts = fully_connected_multipliers(
        input_q.scale, weights_q.scales, output_q.scale
    )
    low, high = activation_range(context.attribute("activation"), output_q)
    kind, packed = context.packed(PlanOp.FULLY_CONNECTED, weights)
    row_weights = 4 if kind is PlanOp.FULLY_CONNECTED else 8  # of a word in the plan
    return context.operation(
        kind,
        {
            "batch": batch,
            "inputs": inputs,
            "outputs": outputs,
            "output_zero_point": output_q.zero_point,
            "activation_min": low,
            "activation_max": high,
            "weights_offset": packed,
            "bias_offset": Blob.of(context.folded_bias(weights, input_q.zero_point)),
            "multipliers_offset": Blob.of(multipliers),
            "shifts_offset": Blob.of(shifts),
            "channels": len(multipliers),
        },
        macs=batch * outputs * inputs,
        # A kernel expands one row of inputs to 16 bits.
        scratch=Scratch((2 * round_up(inputs, row_weights), 0)),
    )
