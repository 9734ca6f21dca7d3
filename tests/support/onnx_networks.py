"""Small ONNX networks, each with something that an importer has to understand; and pieces to make
others of. All take the image ``x``, with three channels where they do not ask, and return the name
of their output.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tests.support.onnx_models import Maker, conv


def residual(maker: Maker) -> str:
    first = maker.node("Relu", conv(maker, "x", 3, 3))
    return maker.node("Relu", maker.node("Add", first, conv(maker, first, 3, 3)))


def flattened(maker: Maker) -> str:
    flat = maker.node("Flatten", maker.node("Relu", conv(maker, "x", 3, 4)))
    dense = maker.node("Gemm", flat, maker.drawn(4 * 6 * 5, 7), maker.drawn(7))
    return maker.node("Softmax", dense, axis=1)


def reshaped_by_computed_shape(maker: Maker) -> str:
    shape = maker.node("Shape", "x")
    batch = maker.node("Gather", shape, maker.constant([0], np.int64))
    target = maker.node("Concat", batch, maker.constant([-1], np.int64), axis=0)
    return maker.node("Reshape", "x", target)


def normalized(maker: Maker) -> str:
    statistics = [maker.drawn(4) for _ in range(3)]
    variance = maker.constant(maker.random.uniform(0.5, 2.0, 4))
    return maker.node("BatchNormalization", conv(maker, "x", 3, 4), *statistics, variance)


def normalized_first(maker: Maker) -> str:
    statistics = [maker.drawn(3) for _ in range(3)]
    variance = maker.constant(maker.random.uniform(0.5, 2.0, 3))
    activated = maker.node("Relu", maker.node("BatchNormalization", "x", *statistics, variance))
    return conv(maker, activated, 3, 2)


def squeezed(maker: Maker) -> str:
    pooled = maker.node("GlobalAveragePool", conv(maker, "x", 3, 4))
    flat = maker.node("Squeeze", pooled, maker.constant([2, 3], np.int64))
    return maker.node("Unsqueeze", flat, maker.constant([1], np.int64))


def joined(maker: Maker) -> str:
    parts = [conv(maker, "x", 3, 2), conv(maker, "x", 3, 3)]
    return maker.node("Concat", *parts, axis=1)


def joined_and_activated(maker: Maker) -> str:
    return maker.node("Relu", joined(maker))


def averaged(maker: Maker) -> str:
    return maker.node("ReduceMean", conv(maker, "x", 3, 4), axes=[2, 3], keepdims=0)


def averaged_over_channels(maker: Maker) -> str:
    return maker.node("ReduceMean", conv(maker, "x", 3, 4), axes=[1], keepdims=1)


def padded(maker: Maker) -> str:
    amounts = maker.constant([0, 0, 1, 0, 0, 0, 2, 1], np.int64)
    return maker.node("Pad", conv(maker, "x", 3, 2), amounts)


def scaled(maker: Maker) -> str:
    per_channel = maker.constant(np.arange(1, 4).reshape(3, 1, 1))
    product = maker.node("Mul", maker.node("Sub", "x", per_channel), per_channel)
    return conv(maker, maker.node("Div", product, maker.constant([4.0])), 3, 2)


def gated(maker: Maker) -> str:
    features = conv(maker, "x", 3, 4)
    gate = maker.node("Sigmoid", conv(maker, "x", 3, 4))
    return maker.node("HardSwish", maker.node("Mul", features, gate))


def hard_sigmoid(maker: Maker) -> str:
    return maker.node("HardSigmoid", conv(maker, "x", 3, 4), alpha=1 / 6, beta=0.5)


def clipped(maker: Maker) -> str:
    low, high = maker.constant(0.0), maker.constant(6.0)
    return maker.node("Clip", conv(maker, "x", 3, 4), low, high)


def attended(maker: Maker) -> str:
    return maker.node("Softmax", conv(maker, "x", 3, 4), axis=1)


def multiplied(maker: Maker) -> str:
    pooled = maker.node("Flatten", maker.node("GlobalAveragePool", "x"))
    product = maker.node("MatMul", pooled, maker.drawn(3, 5))
    return maker.node("Add", product, maker.drawn(5))


def read_twice(maker: Maker) -> str:
    source = conv(maker, "x", 3, 3)
    return maker.node("Add", source, maker.node("Relu", source))


def turned(maker: Maker) -> str:
    turned = maker.node("Transpose", conv(maker, "x", 3, 4), perm=[0, 2, 3, 1])
    return maker.node("Reshape", turned, maker.constant([1, -1], np.int64))


def same_lower(maker: Maker) -> str:
    weights = maker.drawn(2, 3, 2, 2)
    return maker.node("Conv", "x", weights, auto_pad="SAME_LOWER", strides=[2, 1])


NETWORKS: list[Callable[[Maker], str]] = [
    residual,
    flattened,
    reshaped_by_computed_shape,
    normalized,
    normalized_first,
    squeezed,
    joined,
    joined_and_activated,
    averaged,
    averaged_over_channels,
    padded,
    scaled,
    gated,
    hard_sigmoid,
    clipped,
    attended,
    multiplied,
    read_twice,
    turned,
    same_lower,
]


def block(maker: Maker, kind: str, source: str, channels: int, width: int) -> tuple[str, int]:
    """One piece of a generated network on an image; its output and that one's channels."""
    match kind:
        case "convolution":
            return maker.node("Relu", conv(maker, source, channels, width)), width
        case "strided":
            low, high = maker.constant(0.0), maker.constant(6.0)
            strided = conv(maker, source, channels, width, strides=[2, 2])
            return maker.node("Clip", strided, low, high), width
        case "separable":
            deep = conv(maker, source, 1, channels, group=channels)
            weights = maker.drawn(width, channels, 1, 1)
            return maker.node("Conv", maker.node("HardSwish", deep), weights), width
        case "residual":
            return maker.node("Add", source, conv(maker, source, channels, channels)), channels
        case "excited":
            pooled = maker.node("GlobalAveragePool", source)
            gate = maker.node("Conv", pooled, maker.drawn(channels, channels, 1, 1))
            return maker.node("Mul", source, maker.node("Sigmoid", gate)), channels
        case "dense":
            more = maker.node("Relu", conv(maker, source, channels, width))
            return maker.node("Concat", source, more, axis=1), channels + width
        case "normalized":
            statistics = [maker.drawn(channels) for _ in range(3)]
            variance = maker.constant(maker.random.uniform(0.5, 2.0, channels))
            return maker.node("BatchNormalization", source, *statistics, variance), channels
        case _:
            window = {"kernel_shape": [3, 3], "strides": [1, 1], "pads": [1, 1, 1, 1]}
            return maker.node("MaxPool", maker.node("Relu", source), **window), channels


BLOCKS = (
    *("convolution", "strided", "separable", "residual"),
    *("excited", "dense", "normalized", "pooled"),
)
