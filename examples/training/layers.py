"""Layers with their gradients, in plain NumPy: float32, NHWC activations.

`forward` keeps what `backward` needs; `backward` takes the loss's gradient with
respect to the output, stores those of the parameters in `gradients` (same order
as `parameters`) and returns that with respect to the input.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]


class Layer(Protocol):
    """What the training loop needs of a layer."""

    parameters: list[Array]
    gradients: list[Array]

    def forward(self, inputs: Array) -> Array: ...

    def backward(self, gradient: Array) -> Array: ...


def same_padding(size: int, window: int, stride: int) -> tuple[int, int]:
    """Rows before and after, as TensorFlow pads SAME (an odd one goes after)."""
    outputs = -(-size // stride)
    total = max((outputs - 1) * stride + window - size, 0)
    return total // 2, total - total // 2


def _he_normal(rng: np.random.Generator, shape: Sequence[int], fan_in: int) -> Array:
    """He et al. 2015: keeps the variance through ReLU layers."""
    return (rng.standard_normal(shape) * np.sqrt(2.0 / fan_in)).astype(np.float32)


class _Windows:
    """Cuts SAME-padded square windows out of [N, H, W, C] and adds them back."""

    def __init__(self, window: int, stride: int) -> None:
        self.window = window
        self.stride = stride
        self._padding = ((0, 0), (0, 0), (0, 0), (0, 0))
        self._padded_shape: tuple[int, ...] = ()

    def cut(self, inputs: Array) -> Array:
        """[N, H, W, C] to [N, OH, OW, window, window, C], a copy."""
        _, height, width, _ = inputs.shape
        rows = same_padding(height, self.window, self.stride)
        columns = same_padding(width, self.window, self.stride)
        self._padding = ((0, 0), rows, columns, (0, 0))
        padded = np.pad(inputs, self._padding)
        self._padded_shape = padded.shape
        windows = np.lib.stride_tricks.sliding_window_view(
            padded, (self.window, self.window), axis=(1, 2)
        )[:, :: self.stride, :: self.stride]
        return np.ascontiguousarray(windows.transpose(0, 1, 2, 4, 5, 3))

    def add_back(self, windows: Array) -> Array:
        """The transpose of `cut`: overlapping elements are summed."""
        _, out_height, out_width, _, _, _ = windows.shape
        padded = np.zeros(self._padded_shape, dtype=np.float32)
        for row in range(self.window):
            for column in range(self.window):
                padded[
                    :,
                    row : row + out_height * self.stride : self.stride,
                    column : column + out_width * self.stride : self.stride,
                ] += windows[:, :, :, row, column]
        (_, (top, bottom), (left, right), _) = self._padding
        height, width = self._padded_shape[1:3]
        return padded[:, top : height - bottom, left : width - right]


class Conv2D:
    """SAME convolution; weights [Cout, K, K, Cin]."""

    def __init__(
        self,
        rng: np.random.Generator,
        in_channels: int,
        out_channels: int,
        window: int,
        stride: int,
    ) -> None:
        fan_in = window * window * in_channels
        weights = _he_normal(rng, (out_channels, window, window, in_channels), fan_in)
        self.parameters = [weights, np.zeros(out_channels, dtype=np.float32)]
        self.gradients: list[Array] = []
        self.windows = _Windows(window, stride)
        self._columns: Array = np.empty(0, dtype=np.float32)

    def forward(self, inputs: Array) -> Array:
        weights, bias = self.parameters
        windows = self.windows.cut(inputs)
        self._columns = windows.reshape(-1, weights[0].size)
        outputs = self._columns @ weights.reshape(len(weights), -1).T + bias
        return outputs.reshape(*windows.shape[:3], len(weights))

    def backward(self, gradient: Array) -> Array:
        weights, _ = self.parameters
        flat = gradient.reshape(-1, len(weights))
        self.gradients = [(flat.T @ self._columns).reshape(weights.shape), flat.sum(axis=0)]
        columns = flat @ weights.reshape(len(weights), -1)
        return self.windows.add_back(columns.reshape(*gradient.shape[:3], *weights.shape[1:]))


class DepthwiseConv2D:
    """SAME depthwise convolution, multiplier 1; weights [1, K, K, C]."""

    def __init__(self, rng: np.random.Generator, channels: int, window: int, stride: int) -> None:
        weights = _he_normal(rng, (1, window, window, channels), window * window)
        self.parameters = [weights, np.zeros(channels, dtype=np.float32)]
        self.gradients: list[Array] = []
        self.windows = _Windows(window, stride)
        self._cut: Array = np.empty(0, dtype=np.float32)

    def forward(self, inputs: Array) -> Array:
        weights, bias = self.parameters
        self._cut = self.windows.cut(inputs)
        return (self._cut * weights[0]).sum(axis=(3, 4)) + bias

    def backward(self, gradient: Array) -> Array:
        weights, _ = self.parameters
        spread = gradient[:, :, :, np.newaxis, np.newaxis, :]
        self.gradients = [
            (self._cut * spread).sum(axis=(0, 1, 2))[np.newaxis],
            gradient.sum(axis=(0, 1, 2)),
        ]
        return self.windows.add_back(spread * weights[0])


class Relu:
    """max(x, 0)."""

    def __init__(self) -> None:
        self.parameters: list[Array] = []
        self.gradients: list[Array] = []
        self._positive: NDArray[np.bool_] = np.empty(0, dtype=np.bool_)

    def forward(self, inputs: Array) -> Array:
        self._positive = inputs > 0
        return inputs * self._positive

    def backward(self, gradient: Array) -> Array:
        return gradient * self._positive


class AveragePool:
    """Means of windows that do not overlap and leave no rest: [N, H, W, C]."""

    def __init__(self, window: int) -> None:
        self.parameters: list[Array] = []
        self.gradients: list[Array] = []
        self.window = window

    def forward(self, inputs: Array) -> Array:
        count, height, width, channels = inputs.shape
        size = self.window
        tiles = inputs.reshape(count, height // size, size, width // size, size, channels)
        return tiles.mean(axis=(2, 4))

    def backward(self, gradient: Array) -> Array:
        share = gradient / np.float32(self.window * self.window)
        return share.repeat(self.window, axis=1).repeat(self.window, axis=2)


class Flatten:
    """[N, ...] to [N, elements]."""

    def __init__(self) -> None:
        self.parameters: list[Array] = []
        self.gradients: list[Array] = []
        self._shape: tuple[int, ...] = ()

    def forward(self, inputs: Array) -> Array:
        self._shape = inputs.shape
        return inputs.reshape(len(inputs), -1)

    def backward(self, gradient: Array) -> Array:
        return gradient.reshape(self._shape)


class Dense:
    """Fully connected; weights [out, in]."""

    def __init__(self, rng: np.random.Generator, in_features: int, out_features: int) -> None:
        weights = _he_normal(rng, (out_features, in_features), in_features)
        self.parameters = [weights, np.zeros(out_features, dtype=np.float32)]
        self.gradients: list[Array] = []
        self._inputs: Array = np.empty(0, dtype=np.float32)

    def forward(self, inputs: Array) -> Array:
        weights, bias = self.parameters
        self._inputs = inputs
        return inputs @ weights.T + bias

    def backward(self, gradient: Array) -> Array:
        weights, _ = self.parameters
        self.gradients = [gradient.T @ self._inputs, gradient.sum(axis=0)]
        return gradient @ weights


def softmax(logits: Array) -> Array:
    """Row-wise softmax of [N, classes]."""
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    return exponentials / exponentials.sum(axis=1, keepdims=True)
