"""Int8 kernels in NumPy, bit for bit those of TFLM.

Each takes the graph, the op and its inputs (int8 arrays in the graph's shapes) and
returns the int8 output. Sums are int64 and wrapped to 32 bits where TFLM's are 32 bits.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from host.arithmetic.elementwise import Elementwise
from host.arithmetic.fixed_point import (
    Int64Array,
    multiply_by_quantized_multiplier,
    one_over_one_plus_x,
    rounding_divide_by_power_of_two,
    saturating_rounding_doubling_high_mul,
    wrap_int32,
)
from host.arithmetic.scaling import (
    INT8_MAX,
    INT8_MIN,
    activation_range,
    convolution_multipliers,
    fully_connected_multipliers,
    mean_scaling,
    window_extent,
)
from host.arithmetic.tables import (
    hard_swish_table,
    logistic_table,
    requantize_table,
    softmax_table,
)
from host.models.graph import Graph, Op, OpKind, Quantization, Tensor

Int8Array = NDArray[np.int8]
Kernel = Callable[[Graph, Op, Sequence[Int8Array]], Int8Array]


def _quantization(tensor: Tensor) -> Quantization:
    if tensor.quantization is None:
        raise ValueError(f"tensor {tensor.name!r} is not quantized")
    return tensor.quantization


def _input_tensor(graph: Graph, op: Op, position: int) -> Tensor:
    index = op.inputs[position]
    if index is None:
        raise ValueError(f"{op.kind} {op.name!r} lacks its input {position}")
    return graph.tensors[index]


def _output_tensor(graph: Graph, op: Op) -> Tensor:
    return graph.tensors[op.outputs[0]]


def _bias(graph: Graph, op: Op) -> Int64Array:
    index = op.inputs[2] if len(op.inputs) > 2 else None
    data = None if index is None else graph.tensors[index].data
    return np.zeros(1, np.int64) if data is None else data.reshape(-1).astype(np.int64)


def _patches(
    padded: Int64Array,
    window: tuple[int, int],
    stride: tuple[int, int],
    dilation: tuple[int, int],
    output: tuple[int, int],
) -> Int64Array:
    """Windows of [N, H, W, C] as a view [N, output_h, output_w, window_h, window_w, C]."""
    batch_s, row_s, column_s, channel_s = padded.strides
    return np.lib.stride_tricks.as_strided(
        padded,
        (padded.shape[0], *output, *window, padded.shape[3]),
        (
            batch_s,
            row_s * stride[0],
            column_s * stride[1],
            row_s * dilation[0],
            column_s * dilation[1],
            channel_s,
        ),
        writeable=False,
    )


def _windows(
    op: Op, x: Int64Array, window: tuple[int, int], dilation: tuple[int, int], fill: int
) -> Int64Array:
    """The windows that ``op`` slides over ``x`` [N, H, W, C], ``fill`` outside of it."""
    padding, stride = op.attributes["padding"], op.attributes["stride"]
    output, before, after = [], [], []
    for axis in (0, 1):
        extent, pad = window_extent(
            padding, x.shape[axis + 1], window[axis], stride[axis], dilation[axis]
        )
        reach = (extent - 1) * stride[axis] + (window[axis] - 1) * dilation[axis] + 1
        output.append(extent)
        before.append(pad)
        after.append(max(0, reach - pad - x.shape[axis + 1]))
    edges = ((0, 0), (before[0], after[0]), (before[1], after[1]), (0, 0))
    padded = np.pad(x, edges, constant_values=fill)
    return _patches(padded, window, stride, dilation, (output[0], output[1]))


def _requantize(
    accumulator: Int64Array,
    multipliers: NDArray[np.int32],
    shifts: NDArray[np.int8],
    op: Op,
    output: Quantization,
) -> Int8Array:
    scaled = multiply_by_quantized_multiplier(wrap_int32(accumulator), multipliers, shifts)
    low, high = activation_range(op.attributes["activation"], output)
    return np.clip(scaled + output.zero_point, low, high).astype(np.int8)


def _convolution(graph: Graph, op: Op, inputs: Sequence[Int8Array]) -> Int8Array:
    source, weights_tensor = _input_tensor(graph, op, 0), _input_tensor(graph, op, 1)
    source_q, target_q = _quantization(source), _quantization(_output_tensor(graph, op))
    weights = inputs[1].astype(np.int64)
    centred = inputs[0].astype(np.int64) - source_q.zero_point
    patches = _windows(op, centred, weights.shape[1:3], op.attributes["dilation"], 0)
    if op.kind is OpKind.DEPTHWISE_CONV_2D:
        channels = weights.shape[3]
        repeated = np.repeat(patches, channels // source.shape[3], axis=-1)
        accumulator = np.einsum("nhwijc,ijc->nhwc", repeated, weights[0])
    else:
        channels, row_c = weights.shape[0], weights.shape[3]
        groups = source.shape[3] // row_c
        per_group = channels // groups
        accumulator = np.concatenate(
            [
                np.tensordot(
                    patches[..., group * row_c : (group + 1) * row_c],
                    weights[group * per_group : (group + 1) * per_group],
                    axes=((3, 4, 5), (1, 2, 3)),
                )
                for group in range(groups)
            ],
            axis=-1,
        )
    multipliers, shifts = convolution_multipliers(
        source_q.scale, _quantization(weights_tensor).scales, target_q.scale, channels
    )
    return _requantize(accumulator + _bias(graph, op), multipliers, shifts, op, target_q)


def _fully_connected(graph: Graph, op: Op, inputs: Sequence[Int8Array]) -> Int8Array:
    source_q = _quantization(_input_tensor(graph, op, 0))
    weights_q = _quantization(_input_tensor(graph, op, 1))
    target = _output_tensor(graph, op)
    target_q = _quantization(target)
    rows = inputs[0].reshape(-1, inputs[1].shape[1]).astype(np.int64) - source_q.zero_point
    accumulator = rows @ inputs[1].astype(np.int64).T + _bias(graph, op)
    multipliers, shifts = fully_connected_multipliers(
        source_q.scale, weights_q.scales, target_q.scale
    )
    return _requantize(accumulator, multipliers, shifts, op, target_q).reshape(target.shape)


def _elementwise(graph: Graph, op: Op, inputs: Sequence[Int8Array]) -> Int8Array:
    make = Elementwise.add if op.kind is OpKind.ADD else Elementwise.mul
    arithmetic = make(
        _quantization(_input_tensor(graph, op, 0)),
        _quantization(_input_tensor(graph, op, 1)),
        _quantization(_output_tensor(graph, op)),
        op.attributes["activation"],
    )
    return arithmetic.evaluate(inputs[0], inputs[1])


def _average_pool(graph: Graph, op: Op, inputs: Sequence[Int8Array]) -> Int8Array:
    x = inputs[0].astype(np.int64)
    window = op.attributes["window"]
    sums = _windows(op, x, window, (1, 1), 0).sum(axis=(3, 4))
    counts = _windows(op, np.ones_like(x), window, (1, 1), 0).sum(axis=(3, 4))
    # C's division truncates towards zero.
    rounded = np.sign(sums) * ((np.abs(sums) + counts // 2) // counts)
    return _clamp(graph, op, rounded)


def _max_pool(graph: Graph, op: Op, inputs: Sequence[Int8Array]) -> Int8Array:
    x = inputs[0].astype(np.int64)
    highest = _windows(op, x, op.attributes["window"], (1, 1), INT8_MIN).max(axis=(3, 4))
    return _clamp(graph, op, highest)


def _clamp(graph: Graph, op: Op, values: Int64Array) -> Int8Array:
    low, high = activation_range(
        op.attributes["activation"], _quantization(_output_tensor(graph, op))
    )
    return np.clip(values, low, high).astype(np.int8)


SOFTMAX_ACCUMULATOR_BITS = 12
"""Integer bits of the sum of exponentials."""


def _softmax(graph: Graph, op: Op, inputs: Sequence[Int8Array]) -> Int8Array:
    table = softmax_table(_quantization(_input_tensor(graph, op, 0)), op.attributes["beta"]).astype(
        np.int64
    )
    x = inputs[0].astype(np.int64)
    difference = x.max(axis=-1, keepdims=True) - x
    counted = difference < len(table)
    exponentials = np.where(counted, table[np.minimum(difference, len(table) - 1)], 0)
    terms = rounding_divide_by_power_of_two(exponentials, SOFTMAX_ACCUMULATOR_BITS)
    total = terms.sum(axis=-1, keepdims=True)
    # The sum as 2^bits_over_unit * (1 + fraction), fraction in Q0.31.
    headroom = 32 - np.frexp(total.astype(np.float64))[1].astype(np.int64)
    bits_over_unit = SOFTMAX_ACCUMULATOR_BITS - headroom
    fraction = (total << headroom) - (np.int64(1) << 31)
    reciprocal = one_over_one_plus_x(fraction)
    product = saturating_rounding_doubling_high_mul(reciprocal, exponentials)
    scaled = rounding_divide_by_power_of_two(product, bits_over_unit + 31 - 8)
    result = np.where(counted, scaled, 0) + INT8_MIN
    return _to_int8(result)


def _to_int8(values: Int64Array) -> Int8Array:
    clipped: Int8Array = np.clip(values, INT8_MIN, INT8_MAX).astype(np.int8)
    return clipped


def _lookup(graph: Graph, op: Op, inputs: Sequence[Int8Array]) -> Int8Array:
    source = _quantization(_input_tensor(graph, op, 0))
    target = _quantization(_output_tensor(graph, op))
    if op.kind is OpKind.LOGISTIC:
        table = logistic_table(source)
    elif op.kind is OpKind.HARD_SWISH:
        table = hard_swish_table(source, target)
    else:
        table = requantize_table(source, target)
    looked_up: Int8Array = table[np.ascontiguousarray(inputs[0]).view(np.uint8)]
    return looked_up


def _pad(graph: Graph, op: Op, inputs: Sequence[Int8Array]) -> Int8Array:
    fill = _quantization(_output_tensor(graph, op)).zero_point
    return np.pad(inputs[0], op.attributes["paddings"], constant_values=fill)


def _mean(graph: Graph, op: Op, inputs: Sequence[Int8Array]) -> Int8Array:
    source, target = _input_tensor(graph, op, 0), _output_tensor(graph, op)
    source_q, target_q = _quantization(source), _quantization(target)
    axes = op.attributes["axes"]
    count = math.prod(source.shape[axis] for axis in axes)
    sums = inputs[0].astype(np.int64).sum(axis=axes) - source_q.zero_point * count
    scaled = multiply_by_quantized_multiplier(
        wrap_int32(sums), *mean_scaling(source_q.scale, target_q.scale, count)
    )
    return _to_int8(scaled + target_q.zero_point).reshape(target.shape)


def _concatenation(_: Graph, op: Op, inputs: Sequence[Int8Array]) -> Int8Array:
    joined: Int8Array = np.concatenate(list(inputs), axis=op.attributes["axis"])
    return joined


def _transpose(_: Graph, op: Op, inputs: Sequence[Int8Array]) -> Int8Array:
    return np.ascontiguousarray(np.transpose(inputs[0], op.attributes["permutation"]))


def _reshape(graph: Graph, op: Op, inputs: Sequence[Int8Array]) -> Int8Array:
    return inputs[0].reshape(_output_tensor(graph, op).shape)


KERNELS: dict[OpKind, Kernel] = {
    OpKind.CONV_2D: _convolution,
    OpKind.DEPTHWISE_CONV_2D: _convolution,
    OpKind.FULLY_CONNECTED: _fully_connected,
    OpKind.ADD: _elementwise,
    OpKind.MUL: _elementwise,
    OpKind.AVERAGE_POOL_2D: _average_pool,
    OpKind.MAX_POOL_2D: _max_pool,
    OpKind.SOFTMAX: _softmax,
    OpKind.LOGISTIC: _lookup,
    OpKind.HARD_SWISH: _lookup,
    OpKind.QUANTIZE: _lookup,
    OpKind.PAD: _pad,
    OpKind.MEAN: _mean,
    OpKind.CONCATENATION: _concatenation,
    OpKind.TRANSPOSE: _transpose,
    OpKind.RESHAPE: _reshape,
}
