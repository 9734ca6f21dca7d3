"""MEAN over any axes."""

from jsp_protocol import E_PLAN_PARAMETER, E_PLAN_SHAPE, MEAN_PARAMS
from kernels.common import (
    INT8_MAX,
    INT8_MIN,
    SIGNED,
    Kernel,
    check_tensors,
    elements,
    is_int8,
    is_scaling,
    last_element,
    requantize,
    require,
    to_byte,
    wrap,
)
from kernels.odometer import offsets


def _check(op, record):
    p = op.params
    check_tensors(op, record, 1, False)
    require(
        is_int8(p.input_zero_point)
        and is_int8(p.output_zero_point)
        and is_scaling(p.multiplier, p.shift),
        E_PLAN_PARAMETER,
    )
    kept, reduced = elements(p.kept_dims), elements(p.reduced_dims)
    size = op.inputs[0].size_bytes
    require(
        kept == op.outputs[0].size_bytes
        and kept * reduced == size
        and last_element(p.kept_dims, p.kept_strides)
        + last_element(p.reduced_dims, p.reduced_strides)
        < size,
        E_PLAN_SHAPE,
    )


def _run(op):
    p = op.params
    source, output = op.input(0), op.output()
    zero_points = len(source) // len(output) * p.input_zero_point
    for to, base in enumerate(offsets(p.kept_dims, p.kept_strides)):
        total = -zero_points
        for offset in offsets(p.reduced_dims, p.reduced_strides):
            total += SIGNED[source[base + offset]]
        value = requantize(wrap(total), p.multiplier, p.shift)
        output[to] = to_byte(value, p.output_zero_point, INT8_MIN, INT8_MAX)


MEAN = Kernel(MEAN_PARAMS, _check, _run)
