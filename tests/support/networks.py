"""Whole int8 networks of the usual kinds, with drawn widths: what predictions are tested on."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from host.models.graph import Graph, OpKind, Padding
from host.targeting.simulate.models import GraphBuilder

Network = Callable[[int, int], Graph]
"""From a seed and a width, which multiplies channels."""
SMALL = 4
"""Below this width networks are for the smallest boards."""


def _builder(name: str, seed: int) -> tuple[GraphBuilder, np.random.Generator]:
    return GraphBuilder(seed, f"{name}_{seed}"), np.random.default_rng(seed)


def _classify(build: GraphBuilder, source: int, classes: int) -> Graph:
    return build.build(build.softmax(build.fully_connected(source, classes)))


def _side(draw: np.random.Generator, low: int, high: int, width: int) -> int:
    """Pixels; few where the width says that a board of 2 KB is meant."""
    return int(draw.integers(5, 8) if width < SMALL else draw.integers(low, high))


def _average(build: GraphBuilder, source: int) -> int:
    """Of a channel, over all pixels."""
    _, height, columns, _ = build.shape(source)
    window = height, columns
    return build.pool(OpKind.AVERAGE_POOL_2D, source, window, (1, 1), Padding.VALID)


def plain_cnn(seed: int, width: int) -> Graph:
    """3x3 convolutions and pooling, as for small images."""
    build, draw = _builder("plain_cnn", seed)
    side, channels = _side(draw, 10, 30, width), int(draw.choice([1, 3]))
    at = build.input((1, side, side + 2, channels))
    for level in range(2):
        at = build.convolution(at, width * (level + 1) + int(draw.integers(0, 4)), (3, 3))
        at = build.pool(OpKind.MAX_POOL_2D, at, (2, 2), (2, 2), Padding.VALID)
    return _classify(build, at, int(draw.integers(3, 12)))


def separable_cnn(seed: int, width: int) -> Graph:
    """Depthwise and pointwise convolutions, as for keywords."""
    build, draw = _builder("separable_cnn", seed)
    at = build.input((1, _side(draw, 16, 50, width), _side(draw, 8, 20, width), 1))
    at = build.convolution(at, 4 * width, (10, 4), stride=(2, 2))
    for _ in range(int(draw.integers(2, 4))):
        at = build.depthwise(at, (3, 3))
        at = build.convolution(at, 4 * width, (1, 1))
    return _classify(build, _average(build, at), 12)


def residual(seed: int, width: int) -> Graph:
    """Convolutions with a way around them."""
    build, draw = _builder("residual", seed)
    side = _side(draw, 8, 24, width)
    at = build.convolution(build.input((1, side, side, 3)), 2 * width, (3, 3))
    for level in (2, 4):
        stride = (1, 1) if level == 2 else (2, 2)
        around = at if level == 2 else build.convolution(at, level * width, (1, 1), stride=stride)
        at = build.convolution(at, level * width, (3, 3), stride=stride)
        at = build.convolution(at, level * width, (3, 3))
        at = build.elementwise(OpKind.ADD, at, around)
    squeezed = _average(build, at) if width < SMALL else build.mean(at, (1, 2))
    return _classify(build, squeezed, 10)


def perceptron(seed: int, width: int) -> Graph:
    """Fully connected layers, narrow in the middle."""
    build, draw = _builder("perceptron", seed)
    size = int(draw.integers(3, 10)) * 4 * width
    at = build.input((1, size))
    for outputs in (4 * width, 2 * width, 8, 2 * width):
        at = build.fully_connected(at, outputs)
    return build.build(build.fully_connected(at, size))


def mobile(seed: int, width: int) -> Graph:
    """Inverted bottlenecks with a gate on the channels."""
    build, draw = _builder("mobile", seed)
    side = int(draw.integers(12, 28))
    at = build.convolution(build.input((1, side, side, 3)), 2 * width, (3, 3), stride=(2, 2))
    for kernel in ((3, 3), (5, 5)):
        wide = build.lookup(OpKind.HARD_SWISH, build.convolution(at, 6 * width, (1, 1)))
        wide = build.depthwise(wide, kernel)
        gate = build.fully_connected(build.mean(wide, (1, 2)), 6 * width)
        gate = build.lookup(OpKind.LOGISTIC, gate)
        gate = build.reshape(gate, (1, 1, 1, 6 * width))
        wide = build.elementwise(OpKind.MUL, wide, gate)
        at = build.elementwise(OpKind.ADD, at, build.convolution(wide, 2 * width, (1, 1)))
    return _classify(build, build.mean(at, (1, 2)), 10)


def branched(seed: int, width: int) -> Graph:
    """Branches of different windows, joined by channel; explicit padding."""
    build, draw = _builder("branched", seed)
    at = build.input((1, int(draw.integers(8, 20)), int(draw.integers(8, 20)), 4))
    padded = build.pad(at, [(0, 0), (1, 1), (1, 1), (0, 0)])
    branches = [
        build.pool(OpKind.MAX_POOL_2D, padded, (3, 3), (1, 1), Padding.VALID),
        build.pool(OpKind.AVERAGE_POOL_2D, at, (3, 3), (1, 1), Padding.SAME),
        build.transpose(build.transpose(at, (0, 2, 1, 3)), (0, 2, 1, 3)),
    ]
    at = build.concatenation(branches, 3)
    at = build.convolution(at, 2 * width, (5, 5))
    at = build.convolution(at, 4 * width, (3, 3), stride=(2, 2))
    return _classify(build, build.mean(at, (1, 2)), 6)


NETWORKS: tuple[Network, ...] = (plain_cnn, separable_cnn, residual, perceptron, mobile, branched)
