"""CONV_2D, CONV_2D_INT4 and DEPTHWISE_CONV_2D.

Each output pixel's window of the input is gathered first, padding included, as one row of
numbers; an output element is then one dot product. A window is a copy, so working in place
needs no scratch but where a later pixel reads what an earlier one wrote: DEPTHWISE_CONV_2D
copies one channel of its input.
"""

from array import array

from jsp_protocol import (
    CONV_PARAMS,
    E_PLAN_ALIGNMENT,
    E_PLAN_PARAMETER,
    E_PLAN_SCRATCH,
    E_PLAN_SHAPE,
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
    round_up_4,
    to_byte,
    word,
    wrap,
)
from kernels.rows import dot, is_packed, read_row, row_bytes

_WEIGHTS_ALIGNMENT = 8
_MAX_POSITION = 1 << 30


def _check_geometry(p):
    require(
        p.batch
        and p.input_h
        and p.input_w
        and p.input_c
        and p.output_h
        and p.output_w
        and p.output_c
        and p.kernel_h
        and p.kernel_w
        and p.groups
        and p.stride_h
        and p.stride_w
        and p.dilation_h
        and p.dilation_w
        and p.input_c % p.groups == 0
        and p.output_c % p.groups == 0
        and (p.output_h - 1) * p.stride_h <= _MAX_POSITION
        and (p.output_w - 1) * p.stride_w <= _MAX_POSITION
        and p.kernel_h * p.dilation_h <= _MAX_POSITION
        and p.kernel_w * p.dilation_w <= _MAX_POSITION
        and is_int8(p.pad_value)
        and is_int8(p.output_zero_point)
        and is_activation(p.activation_min, p.activation_max),
        E_PLAN_PARAMETER,
    )


def _check_extents(op, row_elements):
    p = op.params
    require(
        op.inputs[0].size_bytes == p.batch * p.input_h * p.input_w * p.input_c
        and op.outputs[0].size_bytes == p.batch * p.output_h * p.output_w * p.output_c,
        E_PLAN_SHAPE,
    )
    require(p.weights_offset % _WEIGHTS_ALIGNMENT == 0, E_PLAN_ALIGNMENT)
    check_data(op, p.weights_offset, p.output_c * row_bytes(op.kind, row_elements), 1)
    check_data(op, p.bias_offset, p.output_c, WORD_BYTES)
    check_scaling(op, p.multipliers_offset, p.shifts_offset, p.output_c)


def _is_pointwise(p):
    """1x1, stride 1, no padding: output pixel i needs input pixel i alone."""
    return (
        p.kernel_h == p.kernel_w == p.stride_h == p.stride_w == p.groups == 1
        and p.pad_top == p.pad_left == 0
        and p.output_h == p.input_h
        and p.output_w == p.input_w
        and p.output_c <= p.input_c
    )


def _check_conv_2d(op, record):
    p = op.params
    _check_geometry(p)
    check_tensors(op, record, 1, _is_pointwise(p))
    row_elements = p.kernel_h * p.kernel_w * (p.input_c // p.groups)
    # This engine needs none, but a plan is to be as good here as elsewhere.
    least_scratch_bytes = round_up_4(p.input_c) if op.is_in_place else 0
    if is_packed(op.kind):
        least_scratch_bytes += round_up_4(row_elements)
    require(op.scratch_bytes >= least_scratch_bytes, E_PLAN_SCRATCH)
    _check_extents(op, row_elements)


def _check_depthwise(op, record):
    p = op.params
    _check_geometry(p)
    require(p.groups == p.input_c, E_PLAN_PARAMETER)
    is_planar = p.output_c == p.input_c and p.output_h * p.output_w <= p.input_h * p.input_w
    check_tensors(op, record, 1, is_planar)
    require(not op.is_in_place or op.scratch_bytes >= p.input_h * p.input_w, E_PLAN_SCRATCH)
    _check_extents(op, p.kernel_h * p.kernel_w)


def _gather(p, image, pixel_bytes, first_c, depth, y, x, window):
    """Fills ``window`` with what the kernel sees from input position (y, x), KH, KW, depth."""
    to = 0
    for ky in range(p.kernel_h):
        row = y + ky * p.dilation_h
        for kx in range(p.kernel_w):
            column = x + kx * p.dilation_w
            if 0 <= row < p.input_h and 0 <= column < p.input_w:
                start = (row * p.input_w + column) * pixel_bytes + first_c
                for i in range(start, start + depth):
                    window[to] = SIGNED[image[i]]
                    to += 1
            else:
                for _ in range(depth):
                    window[to] = p.pad_value
                    to += 1


def _channels(op):
    """Bias, multiplier and shift of every output channel."""
    p = op.params
    return [
        (
            word(op.plan, p.bias_offset, o),
            word(op.plan, p.multipliers_offset, o),
            SIGNED[op.plan[p.shifts_offset + o]],
        )
        for o in range(p.output_c)
    ]


def _element(p, window, weights, channel):
    bias, multiplier, shift = channel
    value = requantize(wrap(dot(bias, window, weights)), multiplier, shift)
    return to_byte(value, p.output_zero_point, p.activation_min, p.activation_max)


def _run_conv_2d(op):
    p = op.params
    channels = _channels(op)
    depth = p.input_c // p.groups
    outputs = p.output_c // p.groups
    row_elements = p.kernel_h * p.kernel_w * depth
    window = array("b", bytes(row_elements))
    image_bytes = p.input_h * p.input_w * p.input_c
    output = op.output()
    to = 0
    for n in range(p.batch):
        image = op.input(0)[n * image_bytes : (n + 1) * image_bytes]
        for oy in range(p.output_h):
            y = oy * p.stride_h - p.pad_top
            for ox in range(p.output_w):
                x = ox * p.stride_w - p.pad_left
                for group in range(p.groups):
                    _gather(p, image, p.input_c, group * depth, depth, y, x, window)
                    for o in range(group * outputs, (group + 1) * outputs):
                        output[to] = _element(p, window, read_row(op, row_elements, o), channels[o])
                        to += 1


def _run_depthwise(op):
    p = op.params
    channels = _channels(op)
    multiplicity = p.output_c // p.input_c
    row_elements = p.kernel_h * p.kernel_w
    window = array("b", bytes(row_elements))
    pixels = p.input_h * p.input_w
    image_bytes = pixels * p.input_c
    output_bytes = p.output_h * p.output_w * p.output_c
    for n in range(p.batch):
        image = op.input(0)[n * image_bytes : (n + 1) * image_bytes]
        output = op.output()[n * output_bytes : (n + 1) * output_bytes]
        for o in range(p.output_c):
            c = o // multiplicity
            source, pixel_bytes, first_c = image, p.input_c, c
            if op.is_in_place:
                source, pixel_bytes, first_c = bytearray(pixels), 1, 0
                for i in range(pixels):
                    source[i] = image[i * p.input_c + c]
            weights = read_row(op, row_elements, o)
            to = o
            for oy in range(p.output_h):
                y = oy * p.stride_h - p.pad_top
                for ox in range(p.output_w):
                    x = ox * p.stride_w - p.pad_left
                    _gather(p, source, pixel_bytes, first_c, 1, y, x, window)
                    output[to] = _element(p, window, weights, channels[o])
                    to += p.output_c


CONV_2D = Kernel(CONV_PARAMS, _check_conv_2d, _run_conv_2d)
DEPTHWISE_CONV_2D = Kernel(CONV_PARAMS, _check_depthwise, _run_depthwise)
