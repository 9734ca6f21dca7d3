"""FULLY_CONNECTED and FULLY_CONNECTED_INT4."""

from jsp_protocol import (
    E_PLAN_ALIGNMENT,
    E_PLAN_PARAMETER,
    E_PLAN_SHAPE,
    FULLY_CONNECTED_PARAMS,
)
from kernels.common import (
    SIGNED,
    WORD_BYTES,
    Kernel,
    check_data,
    check_scaling,
    check_tensors,
    is_activation,
    is_int8,
    requantize,
    require,
    signed,
    to_byte,
    word,
    wrap,
)
from kernels.rows import dot, read_row, row_bytes

_WEIGHTS_ALIGNMENT = 8


def _check(op, record):
    p = op.params
    check_tensors(op, record, 1, False)
    require(
        p.batch
        and p.inputs
        and p.outputs
        and p.channels in (1, p.outputs)
        and is_int8(p.output_zero_point)
        and is_activation(p.activation_min, p.activation_max),
        E_PLAN_PARAMETER,
    )
    require(
        op.inputs[0].size_bytes == p.batch * p.inputs
        and op.outputs[0].size_bytes == p.batch * p.outputs,
        E_PLAN_SHAPE,
    )
    require(p.weights_offset % _WEIGHTS_ALIGNMENT == 0, E_PLAN_ALIGNMENT)
    check_data(op, p.weights_offset, p.outputs * row_bytes(op.kind, p.inputs), 1)
    check_data(op, p.bias_offset, p.outputs, WORD_BYTES)
    check_scaling(op, p.multipliers_offset, p.shifts_offset, p.channels)


def _run(op):
    p = op.params
    output = op.output()
    for n in range(p.batch):
        x = signed(op.input(0)[n * p.inputs : (n + 1) * p.inputs])
        for o in range(p.outputs):
            channel = 0 if p.channels == 1 else o
            acc = dot(word(op.plan, p.bias_offset, o), x, read_row(op, p.inputs, o))
            value = requantize(
                wrap(acc),
                word(op.plan, p.multipliers_offset, channel),
                SIGNED[op.plan[p.shifts_offset + channel]],
            )
            output[n * p.outputs + o] = to_byte(
                value, p.output_zero_point, p.activation_min, p.activation_max
            )


FULLY_CONNECTED = Kernel(FULLY_CONNECTED_PARAMS, _check, _run)
