"""The students: what each consists of, at every width and resolution."""

from __future__ import annotations

import math
from collections.abc import Callable
from enum import StrEnum

import attrs

from host.distillation.students.layers import Layers
from host.errors import ConfigError
from host.models.graph import Activation, Graph

_SMALLEST_MAP = 4
"""No stride makes a map smaller whose longer edge is this; images of 8 pixels are students' too."""


class Head(StrEnum):
    """What the output means: probabilities of classes, of each by itself, or numbers."""

    SOFTMAX = "softmax"
    LOGISTIC = "logistic"
    NUMBERS = "numbers"


@attrs.frozen(kw_only=True)
class StudentShape:
    """One student of an architecture.

    ``width`` multiplies its channels or units; ``input_shape`` is [1, height, width, channels] or
    [1, ...] with as many elements, ``output_shape`` the teacher's.
    """

    architecture: str
    width: float
    input_shape: tuple[int, ...]
    output_shape: tuple[int, ...]
    head: Head


@attrs.frozen
class Architecture:
    """``body`` appends its layers and returns a [1, n] tensor.

    ``takes_vectors``: it needs no image.
    """

    what: str
    body: Callable[[Layers, float], int]
    takes_vectors: bool = False


def build(shape: StudentShape, seed: int = 0) -> Graph:
    """The student with fresh weights.

    Raises:
        ConfigError: there is no such architecture, or it does not take such an input.
    """
    architecture = ARCHITECTURES.get(shape.architecture)
    if architecture is None:
        raise ConfigError(
            f"unknown student {shape.architecture!r}", hint=f"known: {', '.join(ARCHITECTURES)}"
        )
    if len(shape.input_shape) != 4 and not architecture.takes_vectors:
        raise ConfigError(
            f"{shape.architecture} takes images [1, height, width, channels], and the teacher's "
            f"input is {list(shape.input_shape)}",
            hint="--student-arch mlp takes any input",
        )
    layers = Layers(shape.architecture, shape.input_shape, seed)
    features = architecture.body(layers, shape.width)
    output = layers.dense(features, math.prod(shape.output_shape), Activation.NONE)
    if shape.head is Head.SOFTMAX:
        output = layers.softmax(output)
    elif shape.head is Head.LOGISTIC:
        output = layers.logistic(output)
    layers.graph.outputs.append(layers.reshape(output, shape.output_shape))
    return layers.graph


def channels(count: float, multiple: int = 4) -> int:
    """The nearest multiple of what kernels work on at once, and not under nine tenths of ``count``.

    As MobileNet's ``make_divisible`` (Sandler et al. 2018) does it.
    """
    nearest = max(multiple, int(count + multiple / 2) // multiple * multiple)
    return nearest if nearest >= 0.9 * count else nearest + multiple


def _stride(layers: Layers, tensor: int) -> int:
    """2 where the map is large enough for it."""
    return 2 if max(layers.shape(tensor)[1:3]) > _SMALLEST_MAP else 1


def _mlp(layers: Layers, width: float) -> int:
    """Two hidden layers, the second of half the units."""
    hidden = layers.dense(layers.flatten(layers.input), channels(128 * width))
    return layers.dense(hidden, channels(64 * width))


def _tiny_cnn(layers: Layers, width: float) -> int:
    """Three 3x3 convolutions, each of the later two at half the edge; the last map is kept whole.

    Ops of every port, the UNO's included.
    """
    tensor = layers.conv(layers.input, channels(8 * width, 2), window=3)
    for count in (16, 32):
        tensor = layers.conv(
            tensor, channels(count * width, 2), window=3, stride=_stride(layers, tensor)
        )
    if max(layers.shape(tensor)[1:3]) > _SMALLEST_MAP:
        tensor = layers.average_pool(tensor)
    return layers.flatten(tensor)


def _ds_cnn(layers: Layers, width: float) -> int:
    """DS-CNN (Zhang et al. 2017, "Hello Edge"): a convolution and four depthwise-separable ones."""
    count = channels(64 * width)
    tensor = layers.conv(layers.input, count, window=3, stride=_stride(layers, layers.input))
    for _ in range(4):
        tensor = layers.conv(layers.depthwise(tensor), count)
    return layers.flatten(layers.average_pool(tensor))


@attrs.frozen
class _Bottleneck:
    """A row of table 2 of Howard et al. 2019, MobileNetV3-Small."""

    window: int
    expanded: int
    output: int
    squeezed: bool
    swish: bool
    strided: bool


_BOTTLENECKS = (
    _Bottleneck(3, 16, 16, True, False, True),
    _Bottleneck(3, 72, 24, False, False, True),
    _Bottleneck(3, 88, 24, False, False, False),
    _Bottleneck(5, 96, 40, True, True, True),
    _Bottleneck(5, 240, 40, True, True, False),
    _Bottleneck(5, 240, 40, True, True, False),
    _Bottleneck(5, 120, 48, True, True, False),
    _Bottleneck(5, 144, 48, True, True, False),
    _Bottleneck(5, 288, 96, True, True, True),
    _Bottleneck(5, 576, 96, True, True, False),
    _Bottleneck(5, 576, 96, True, True, False),
)


def _mobilenetv3_small(layers: Layers, width: float) -> int:
    """Howard et al. 2019, table 2.

    The gate of squeeze-and-excite is LOGISTIC, one op on the boards; the paper's is a hard sigmoid.
    """
    tensor = _swish_conv(layers, layers.input, 16 * width, _stride(layers, layers.input))
    for row in _BOTTLENECKS:
        tensor = _bottleneck(layers, tensor, row, width)
    tensor = _swish_conv(layers, tensor, 576 * width, 1, window=1)
    hidden = layers.dense(
        layers.flatten(layers.mean(tensor)), channels(1024 * width, 8), Activation.NONE
    )
    return layers.hard_swish(hidden)


def _swish_conv(layers: Layers, tensor: int, count: float, stride: int, window: int = 3) -> int:
    convolved = layers.conv(tensor, channels(count, 8), window, stride, Activation.NONE)
    return layers.hard_swish(convolved)


def _bottleneck(layers: Layers, tensor: int, row: _Bottleneck, width: float) -> int:
    activation = Activation.NONE if row.swish else Activation.RELU
    stride = _stride(layers, tensor) if row.strided else 1
    inner = layers.conv(tensor, channels(row.expanded * width, 8), activation=activation)
    inner = layers.hard_swish(inner) if row.swish else inner
    inner = layers.depthwise(inner, row.window, stride, activation)
    inner = layers.hard_swish(inner) if row.swish else inner
    if row.squeezed:
        count = layers.shape(inner)[3]
        gate = layers.conv(layers.mean(inner), channels(count / 4, 8))
        gate = layers.logistic(layers.conv(gate, count, activation=Activation.NONE))
        inner = layers.multiply(inner, gate)
    output = layers.conv(inner, channels(row.output * width, 8), activation=Activation.NONE)
    same = layers.shape(output) == layers.shape(tensor)
    return layers.add(tensor, output) if same and stride == 1 else output


ARCHITECTURES = {
    "mobilenetv3_small": Architecture("Howard et al. 2019", _mobilenetv3_small),
    "ds_cnn": Architecture("Zhang et al. 2017", _ds_cnn),
    "tiny_cnn": Architecture("three convolutions, for the smallest boards", _tiny_cnn),
    "mlp": Architecture("two hidden layers, for any input", _mlp, takes_vectors=True),
}
"""By the names of ``--student-arch``."""
