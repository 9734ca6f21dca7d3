"""AVERAGE_POOL_2D and MAX_POOL_2D: positions outside the input do not count."""

from jsp_protocol import E_PLAN_PARAMETER, E_PLAN_SHAPE, POOL_PARAMS
from kernels.common import (
    INT8_MIN,
    SIGNED,
    Kernel,
    check_tensors,
    is_activation,
    require,
    to_byte,
)

_MAX_WINDOW = 1 << 23
_INT32_MAX = (1 << 31) - 1


def _windows_meet_input(size, output, window, stride, pad):
    """Every window of this axis holds at least one element of the input."""
    last_begin = (output - 1) * stride
    return window > pad and last_begin <= _INT32_MAX and last_begin < size + pad


def _check(op, record):
    p = op.params
    check_tensors(op, record, 1, False)
    require(
        p.batch
        and p.input_h
        and p.input_w
        and p.channels
        and p.output_h
        and p.output_w
        and p.window_h
        and p.window_w
        and p.stride_h
        and p.stride_w
        and p.window_h * p.window_w <= _MAX_WINDOW
        and is_activation(p.activation_min, p.activation_max)
        and _windows_meet_input(p.input_h, p.output_h, p.window_h, p.stride_h, p.pad_top)
        and _windows_meet_input(p.input_w, p.output_w, p.window_w, p.stride_w, p.pad_left),
        E_PLAN_PARAMETER,
    )
    require(
        op.inputs[0].size_bytes == p.batch * p.channels * p.input_h * p.input_w
        and op.outputs[0].size_bytes == p.batch * p.channels * p.output_h * p.output_w,
        E_PLAN_SHAPE,
    )


def _average(total, count):
    """Halves away from zero."""
    if total > 0:
        return (total + count // 2) // count
    return -((count // 2 - total) // count)


def _run(op, is_average):
    p = op.params
    source, output = op.input(0), op.output()
    row_step = p.input_w * p.channels
    to = 0
    for n in range(p.batch):
        image = n * p.input_h * row_step
        for oy in range(p.output_h):
            top = oy * p.stride_h - p.pad_top
            rows = range(max(top, 0), min(top + p.window_h, p.input_h))
            for ox in range(p.output_w):
                left = ox * p.stride_w - p.pad_left
                columns = range(max(left, 0), min(left + p.window_w, p.input_w))
                for c in range(p.channels):
                    total, largest = 0, INT8_MIN
                    for y in rows:
                        at = image + y * row_step + columns.start * p.channels + c
                        for _ in columns:
                            x = SIGNED[source[at]]
                            total += x
                            if x > largest:
                                largest = x
                            at += p.channels
                    value = _average(total, len(rows) * len(columns)) if is_average else largest
                    output[to] = to_byte(value, 0, p.activation_min, p.activation_max)
                    to += 1


AVERAGE_POOL_2D = Kernel(POOL_PARAMS, _check, lambda op: _run(op, True))
MAX_POOL_2D = Kernel(POOL_PARAMS, _check, lambda op: _run(op, False))
