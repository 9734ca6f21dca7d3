"""Hypothesis strategies for int8 models of one op each, as ``.tflite`` bytes.

Shapes, windows, paddings, dilations, activations, groups, multipliers,
broadcasts, scales and zero points are drawn; weights come from a seeded
generator, because their values need no shrinking. Scales are chosen so that
outputs use most of int8 and some saturate.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

import attrs
import numpy as np
import pytest
from _pytest.mark import ParameterSet
from hypothesis import strategies as st

from host.models.graph import (
    Activation,
    DType,
    OpKind,
    Padding,
)
from tests.support.single_op_builder import (
    ModelBuilder,
    SingleOpModel,
    draw_parameters,
    quantized,
)

MAX_CONCATENATED = 10
"""TFLM's CONCATENATION takes no more inputs."""


scales = st.floats(2**-10, 0.5, width=32)
zero_points = st.integers(-128, 127)
activations = st.sampled_from(Activation)
seeds = st.integers(0, 2**32 - 1)


@st.composite
def _windowed(draw: st.DrawFn, depthwise: bool, weights: DType = DType.INT8) -> SingleOpModel:
    """CONV_2D (grouped too) or DEPTHWISE_CONV_2D."""
    build = ModelBuilder(draw(seeds), weights)
    kernel_h, kernel_w = draw(st.integers(1, 5)), draw(st.integers(1, 5))
    stride = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    dilation = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    padding = draw(st.sampled_from(Padding))
    # Undilated windows, pointwise or depthwise 3x3, are what models have most.
    if draw(st.booleans()):
        dilation = (1, 1)
    if draw(st.integers(0, 2)) == 0:
        kernel_h, kernel_w, stride = (3, 3, stride) if depthwise else (1, 1, (1, 1))
    batch = draw(st.integers(1, 2))
    extents = []
    for kernel, step in ((kernel_h, dilation[0]), (kernel_w, dilation[1])):
        least = (kernel - 1) * step + 1 if padding is Padding.VALID else 1
        extents.append(draw(st.integers(least, least + 8)))
    if depthwise:
        input_c, multiplier = draw(st.integers(1, 9)), draw(st.sampled_from((1, 1, 1, 2, 3, 8)))
        output_c = input_c * multiplier
        weight_shape: tuple[int, ...] = (1, kernel_h, kernel_w, output_c)
        axis, patch = 3, kernel_h * kernel_w
    else:
        groups = draw(st.sampled_from((1, 1, 1, 2, 3)))
        row_c = draw(st.integers(1, 12))
        input_c = groups * row_c
        output_c = groups * draw(st.integers(1, 6))
        weight_shape = (output_c, kernel_h, kernel_w, row_c)
        axis, patch = 0, kernel_h * kernel_w * row_c
    attributes: dict[str, Any] = {
        "padding": padding,
        "stride": stride,
        "dilation": dilation,
        "activation": draw(activations),
    }
    if depthwise:
        attributes["depth_multiplier"] = output_c // input_c
    source = build.activation("input", (batch, *extents, input_c), draw(scales), draw(zero_points))
    inputs, output_scale = draw_parameters(draw, build, source, weight_shape, axis, output_c, patch)
    output_hw = [
        _output_extent(padding, extent, kernel, step, hop)
        for extent, kernel, step, hop in zip(
            extents, (kernel_h, kernel_w), dilation, stride, strict=True
        )
    ]
    output = build.activation(
        "output", (batch, *output_hw, output_c), output_scale, draw(zero_points)
    )
    kind = OpKind.DEPTHWISE_CONV_2D if depthwise else OpKind.CONV_2D
    return build.model(kind, inputs, output, attributes)


def _output_extent(padding: Padding, extent: int, kernel: int, dilation: int, stride: int) -> int:
    """TensorFlow's definition, written as its documentation has it."""
    if padding is Padding.SAME:
        return math.ceil(extent / stride)
    return math.ceil((extent - (kernel - 1) * dilation) / stride)


@st.composite
def _fully_connected(draw: st.DrawFn, weights: DType = DType.INT8) -> SingleOpModel:
    build = ModelBuilder(draw(seeds), weights)
    size, outputs = draw(st.integers(1, 70)), draw(st.integers(1, 20))
    keep_num_dims = draw(st.booleans())
    lead = draw(st.lists(st.integers(1, 3), min_size=1, max_size=2 if keep_num_dims else 1))
    source = build.activation("input", (*lead, size), draw(scales), draw(zero_points))
    inputs, output_scale = draw_parameters(draw, build, source, (outputs, size), 0, outputs, size)
    output = build.activation("output", (*lead, outputs), output_scale, draw(zero_points))
    attributes = {"activation": draw(activations), "keep_num_dims": keep_num_dims}
    return build.model(OpKind.FULLY_CONNECTED, inputs, output, attributes)


@st.composite
def _elementwise(draw: st.DrawFn, kind: OpKind) -> SingleOpModel:
    """ADD or MUL: same shapes, broadcasts in both directions, constant operands."""
    build = ModelBuilder(draw(seeds))
    shape = tuple(draw(st.lists(st.integers(1, 5), min_size=1, max_size=4)))
    shapes = [shape, shape]
    if draw(st.booleans()):
        for which in (0, 1):
            thinned = tuple(1 if draw(st.booleans()) else extent for extent in shape)
            shapes[which] = thinned[draw(st.integers(0, len(shape) - 1)) if which else 0 :]
    constant = draw(st.sampled_from((None, None, 0, 1)))
    inputs = []
    for which, name in enumerate(("left", "right")):
        scale, zero_point = draw(scales), draw(zero_points)
        if which == constant:
            data = build.int8(shapes[which])
            if draw(st.booleans()):
                data = np.full_like(data, data.flat[0])
            inputs.append(build.constant(name, data, DType.INT8, quantized([scale], [zero_point])))
        else:
            inputs.append(build.activation(name, shapes[which], scale, zero_point))
    first, second = (build.tensors[index].quantization for index in inputs)
    assert first is not None
    assert second is not None
    natural = {
        OpKind.ADD: first.scale + second.scale,
        OpKind.MUL: first.scale * second.scale * 64,
    }[kind]
    output_scale = natural * draw(st.floats(0.3, 3.0))
    output = build.activation(
        "output", np.broadcast_shapes(*shapes), output_scale, draw(zero_points)
    )
    return build.model(kind, inputs, output, {"activation": draw(activations)})


@st.composite
def _pool(draw: st.DrawFn, kind: OpKind) -> SingleOpModel:
    build = ModelBuilder(draw(seeds))
    window = draw(st.integers(1, 5)), draw(st.integers(1, 5))
    stride = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    padding = draw(st.sampled_from(Padding))
    extents = [
        draw(st.integers(size if padding is Padding.VALID else 1, size + 7)) for size in window
    ]
    batch, channels = draw(st.integers(1, 2)), draw(st.integers(1, 9))
    scale, zero_point = draw(scales), draw(zero_points)
    source = build.activation("input", (batch, *extents, channels), scale, zero_point)
    output_hw = [
        _output_extent(padding, extent, size, 1, hop)
        for extent, size, hop in zip(extents, window, stride, strict=True)
    ]
    output = build.activation("output", (batch, *output_hw, channels), scale, zero_point)
    attributes = {
        "padding": padding,
        "stride": stride,
        "window": window,
        "activation": draw(activations),
    }
    return build.model(kind, [source], output, attributes)


def _shape(draw: st.DrawFn, max_rank: int = 4, max_extent: int = 6) -> tuple[int, ...]:
    return tuple(draw(st.lists(st.integers(1, max_extent), min_size=1, max_size=max_rank)))


@st.composite
def _softmax(draw: st.DrawFn) -> SingleOpModel:
    build = ModelBuilder(draw(seeds))
    shape = (*_shape(draw, max_rank=3, max_extent=4)[:-1], draw(st.integers(1, 40)))
    source = build.activation("input", shape, draw(scales), draw(zero_points))
    output = build.activation("output", shape, 1 / 256, -128)
    return build.model(
        OpKind.SOFTMAX, [source], output, {"beta": draw(st.sampled_from((1.0, 0.5, 2.0)))}
    )


@st.composite
def _lookup(draw: st.DrawFn, kind: OpKind) -> SingleOpModel:
    """LOGISTIC, HARD_SWISH, QUANTIZE; the input holds every int8 value."""
    build = ModelBuilder(draw(seeds))
    scale = draw(scales)
    source = build.activation("input", (1, 16, 16), scale, draw(zero_points))
    if kind is OpKind.LOGISTIC:
        target = (1 / 256, -128)
    else:
        target = (scale * draw(st.floats(0.5, 4.0)), draw(zero_points))
    output = build.activation("output", (1, 16, 16), *target)
    model = build.model(kind, [source], output, {})
    every = np.arange(256, dtype=np.uint8).view(np.int8).reshape(1, 16, 16)
    return attrs.evolve(model, inputs=(every,))


@st.composite
def _pad(draw: st.DrawFn) -> SingleOpModel:
    build = ModelBuilder(draw(seeds))
    shape = _shape(draw, max_rank=5, max_extent=4)
    paddings = tuple((draw(st.integers(0, 3)), draw(st.integers(0, 3))) for _ in shape)
    scale, zero_point = draw(scales), draw(zero_points)
    source = build.activation("input", shape, scale, zero_point)
    padded = [sum(pair) + extent for pair, extent in zip(paddings, shape, strict=True)]
    output = build.activation("output", padded, scale, zero_point)
    return build.model(OpKind.PAD, [source], output, {"paddings": paddings})


@st.composite
def _mean(draw: st.DrawFn) -> SingleOpModel:
    build = ModelBuilder(draw(seeds))
    shape = _shape(draw)
    axes = tuple(sorted(draw(st.sets(st.integers(0, len(shape) - 1), min_size=1))))
    keep_dims = draw(st.booleans())
    scale = draw(scales)
    source = build.activation("input", shape, scale, draw(zero_points))
    reduced = [
        1 if axis in axes else extent
        for axis, extent in enumerate(shape)
        if keep_dims or axis not in axes
    ]
    output = build.activation(
        "output", reduced, scale * draw(st.floats(0.3, 2.0)), draw(zero_points)
    )
    return build.model(OpKind.MEAN, [source], output, {"axes": axes, "keep_dims": keep_dims})


@st.composite
def _concatenation(draw: st.DrawFn) -> SingleOpModel:
    build = ModelBuilder(draw(seeds))
    shape = _shape(draw, max_extent=4)
    axis = draw(st.integers(0, len(shape) - 1))
    extents = draw(st.lists(st.integers(1, 5), min_size=1, max_size=MAX_CONCATENATED))
    scale, zero_point = draw(scales), draw(zero_points)

    def joined(extent: int) -> tuple[int, ...]:
        return (*shape[:axis], extent, *shape[axis + 1 :])

    inputs = [
        build.activation(f"input_{number}", joined(extent), scale, zero_point)
        for number, extent in enumerate(extents)
    ]
    output = build.activation("output", joined(sum(extents)), scale, zero_point)
    return build.model(
        OpKind.CONCATENATION, inputs, output, {"axis": axis, "activation": Activation.NONE}
    )


@st.composite
def _transpose(draw: st.DrawFn) -> SingleOpModel:
    build = ModelBuilder(draw(seeds))
    shape = _shape(draw, max_rank=5, max_extent=5)
    permutation = tuple(draw(st.permutations(range(len(shape)))))
    scale, zero_point = draw(scales), draw(zero_points)
    source = build.activation("input", shape, scale, zero_point)
    output = build.activation("output", [shape[axis] for axis in permutation], scale, zero_point)
    return build.model(OpKind.TRANSPOSE, [source], output, {"permutation": permutation})


@st.composite
def _reshape(draw: st.DrawFn) -> SingleOpModel:
    build = ModelBuilder(draw(seeds))
    shape = _shape(draw)
    scale, zero_point = draw(scales), draw(zero_points)
    source = build.activation("input", shape, scale, zero_point)
    output = build.activation("output", (1, math.prod(shape)), scale, zero_point)
    return build.model(OpKind.RESHAPE, [source], output, {})


STRATEGIES: dict[OpKind, Callable[[], st.SearchStrategy[SingleOpModel]]] = {
    OpKind.CONV_2D: lambda: _windowed(depthwise=False),
    OpKind.DEPTHWISE_CONV_2D: lambda: _windowed(depthwise=True),
    OpKind.FULLY_CONNECTED: _fully_connected,
    OpKind.ADD: lambda: _elementwise(OpKind.ADD),
    OpKind.MUL: lambda: _elementwise(OpKind.MUL),
    OpKind.AVERAGE_POOL_2D: lambda: _pool(OpKind.AVERAGE_POOL_2D),
    OpKind.MAX_POOL_2D: lambda: _pool(OpKind.MAX_POOL_2D),
    OpKind.SOFTMAX: _softmax,
    OpKind.LOGISTIC: lambda: _lookup(OpKind.LOGISTIC),
    OpKind.HARD_SWISH: lambda: _lookup(OpKind.HARD_SWISH),
    OpKind.QUANTIZE: lambda: _lookup(OpKind.QUANTIZE),
    OpKind.PAD: _pad,
    OpKind.MEAN: _mean,
    OpKind.CONCATENATION: _concatenation,
    OpKind.TRANSPOSE: _transpose,
    OpKind.RESHAPE: _reshape,
}
"""Every kind that a plan can hold."""

INT4_STRATEGIES: dict[OpKind, Callable[[], st.SearchStrategy[SingleOpModel]]] = {
    OpKind.CONV_2D: lambda: _windowed(depthwise=False, weights=DType.INT4),
    OpKind.FULLY_CONNECTED: lambda: _fully_connected(weights=DType.INT4),
}
"""Every kind whose weights may be int4."""


def single_op_models(kind: OpKind, weights: DType = DType.INT8) -> st.SearchStrategy[SingleOpModel]:
    """Models of one op of ``kind``, with int8 or int4 ``weights`` where it has any."""
    return (INT4_STRATEGIES if weights is DType.INT4 else STRATEGIES)[kind]()


def weight_cases(kinds: Iterable[OpKind]) -> list[ParameterSet]:
    """Parameters ``kind`` and ``weights``: all kinds in int8, and in int4 those that can be."""
    return [
        *(pytest.param(kind, DType.INT8, id=kind.value) for kind in kinds),
        *(pytest.param(kind, DType.INT4, id=f"{kind.value}-int4") for kind in INT4_STRATEGIES),
    ]
