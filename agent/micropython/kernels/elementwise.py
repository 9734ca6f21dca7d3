"""ADD and MUL, with broadcasting over up to four dimensions."""

from jsp_protocol import E_PLAN_PARAMETER, E_PLAN_SHAPE, ELEMENTWISE_PARAMS
from kernels.common import (
    INT8_MAX,
    INT8_MIN,
    SIGNED,
    Kernel,
    check_tensors,
    elements,
    is_activation,
    is_int8,
    is_scaling,
    last_element,
    multiply_high,
    requantize,
    require,
    rounding_shift_right,
    to_byte,
)

_ADD_LEFT_SHIFT = 20
"""TensorFlow Lite's constant for int8; the C kernel's arithmetic is exact for it alone."""


def _is_offset(minus_zero_point):
    return -INT8_MAX <= minus_zero_point <= -INT8_MIN


def _check_mul(op, record):
    p = op.params
    check_tensors(op, record, 2, True)
    require(
        _is_offset(p.input1_offset)
        and _is_offset(p.input2_offset)
        and is_int8(p.output_offset)
        and is_scaling(p.output_multiplier, p.output_shift)
        and is_activation(p.activation_min, p.activation_max),
        E_PLAN_PARAMETER,
    )
    count = elements(p.dims)
    require(
        count
        and count == op.outputs[0].size_bytes
        and last_element(p.dims, p.input1_strides) < op.inputs[0].size_bytes
        and last_element(p.dims, p.input2_strides) < op.inputs[1].size_bytes,
        E_PLAN_SHAPE,
    )


def _check_add(op, record):
    p = op.params
    require(
        p.left_shift == _ADD_LEFT_SHIFT
        and is_scaling(p.input1_multiplier, p.input1_shift)
        and is_scaling(p.input2_multiplier, p.input2_shift)
        and p.input1_shift <= 0
        and p.input2_shift <= 0
        and p.output_shift <= 0,
        E_PLAN_PARAMETER,
    )
    _check_mul(op, record)


def _sum(p, x1, x2):
    scaled1 = multiply_high(x1 << _ADD_LEFT_SHIFT, p.input1_multiplier)
    scaled2 = multiply_high(x2 << _ADD_LEFT_SHIFT, p.input2_multiplier)
    total = rounding_shift_right(scaled1, -p.input1_shift) + rounding_shift_right(
        scaled2, -p.input2_shift
    )
    return rounding_shift_right(multiply_high(total, p.output_multiplier), -p.output_shift)


def _product(p, x1, x2):
    return requantize(x1 * x2, p.output_multiplier, p.output_shift)


def _run(op, combine):
    p = op.params
    input1, input2, output = op.input(0), op.input(1), op.output()
    strides1, strides2 = p.input1_strides, p.input2_strides
    to = 0
    for i in range(p.dims[0]):
        for j in range(p.dims[1]):
            for k in range(p.dims[2]):
                at1 = i * strides1[0] + j * strides1[1] + k * strides1[2]
                at2 = i * strides2[0] + j * strides2[1] + k * strides2[2]
                for _ in range(p.dims[3]):
                    value = combine(
                        p,
                        SIGNED[input1[at1]] + p.input1_offset,
                        SIGNED[input2[at2]] + p.input2_offset,
                    )
                    output[to] = to_byte(value, p.output_offset, p.activation_min, p.activation_max)
                    to += 1
                    at1 += strides1[3]
                    at2 += strides2[3]


ADD = Kernel(ELEMENTWISE_PARAMS, _check_add, lambda op: _run(op, _sum))
MUL = Kernel(ELEMENTWISE_PARAMS, _check_mul, lambda op: _run(op, _product))
