"""Appends layers to a float graph, each with fresh weights; NHWC, batch 1."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from host.models.graph import Activation, DType, Graph, Op, OpKind, Padding, Tensor

Array = NDArray[np.float32]


class Layers:
    """A graph in the making. Every method takes and returns indices of tensors.

    Weights are drawn as by He et al. 2015 (normal, variance 2 / inputs of an output), biases are
    0; the same generator gives the same network.
    """

    def __init__(self, name: str, input_shape: tuple[int, ...], seed: int) -> None:
        self.graph = Graph(name=name, tensors=[], ops=[], inputs=[], outputs=[])
        self._lot = np.random.default_rng(seed)
        self.input = self._tensor("input", input_shape)
        self.graph.inputs.append(self.input)

    def shape(self, tensor: int) -> tuple[int, ...]:
        return self.graph.tensors[tensor].shape

    def conv(
        self,
        tensor: int,
        channels: int,
        window: int = 1,
        stride: int = 1,
        activation: Activation = Activation.RELU,
    ) -> int:
        """A full convolution, padding SAME."""
        shape = self.shape(tensor)
        weights = self._drawn((channels, window, window, shape[3]), window * window * shape[3])
        return self._append(
            OpKind.CONV_2D,
            [tensor],
            (1, *_strided(shape, stride), channels),
            [weights, np.zeros(channels, np.float32)],
            padding=Padding.SAME,
            stride=(stride, stride),
            dilation=(1, 1),
            activation=activation,
        )

    def depthwise(
        self,
        tensor: int,
        window: int = 3,
        stride: int = 1,
        activation: Activation = Activation.RELU,
    ) -> int:
        """A convolution of each channel by itself, padding SAME."""
        shape = self.shape(tensor)
        weights = self._drawn((1, window, window, shape[3]), window * window)
        return self._append(
            OpKind.DEPTHWISE_CONV_2D,
            [tensor],
            (1, *_strided(shape, stride), shape[3]),
            [weights, np.zeros(shape[3], np.float32)],
            padding=Padding.SAME,
            stride=(stride, stride),
            dilation=(1, 1),
            activation=activation,
            depth_multiplier=1,
        )

    def dense(self, tensor: int, units: int, activation: Activation = Activation.RELU) -> int:
        """[1, units] of a [1, n] tensor."""
        inputs = self.shape(tensor)[1]
        return self._append(
            OpKind.FULLY_CONNECTED,
            [tensor],
            (1, units),
            [self._drawn((units, inputs), inputs), np.zeros(units, np.float32)],
            activation=activation,
            keep_num_dims=False,
        )

    def average_pool(self, tensor: int) -> int:
        """Over the whole map: [1, 1, 1, channels]."""
        _, height, width, channels = self.shape(tensor)
        return self._append(
            OpKind.AVERAGE_POOL_2D,
            [tensor],
            (1, 1, 1, channels),
            padding=Padding.VALID,
            stride=(height, width),
            window=(height, width),
            activation=Activation.NONE,
        )

    def mean(self, tensor: int) -> int:
        """Over height and width: [1, 1, 1, channels]."""
        channels = self.shape(tensor)[3]
        return self._append(OpKind.MEAN, [tensor], (1, 1, 1, channels), axes=(1, 2), keep_dims=True)

    def add(self, left: int, right: int) -> int:
        """Of two tensors of one shape."""
        return self._append(OpKind.ADD, [left, right], self.shape(left), activation=Activation.NONE)

    def multiply(self, tensor: int, by_channel: int) -> int:
        """``by_channel`` is [1, 1, 1, channels]."""
        return self._append(
            OpKind.MUL, [tensor, by_channel], self.shape(tensor), activation=Activation.NONE
        )

    def hard_swish(self, tensor: int) -> int:
        return self._append(OpKind.HARD_SWISH, [tensor], self.shape(tensor))

    def logistic(self, tensor: int) -> int:
        return self._append(OpKind.LOGISTIC, [tensor], self.shape(tensor))

    def softmax(self, tensor: int) -> int:
        return self._append(OpKind.SOFTMAX, [tensor], self.shape(tensor), beta=1.0)

    def reshape(self, tensor: int, shape: tuple[int, ...]) -> int:
        """``tensor`` itself where it has that shape."""
        if self.shape(tensor) == shape:
            return tensor
        return self._append(OpKind.RESHAPE, [tensor], shape)

    def flatten(self, tensor: int) -> int:
        return self.reshape(tensor, (1, math.prod(self.shape(tensor))))

    def _drawn(self, shape: tuple[int, ...], inputs: int) -> Array:
        deviation = math.sqrt(2.0 / inputs)
        return self._lot.normal(0.0, deviation, shape).astype(np.float32)

    def _tensor(self, name: str, shape: tuple[int, ...], data: Array | None = None) -> int:
        self.graph.tensors.append(Tensor(name, shape, DType.FLOAT32, data=data))
        return len(self.graph.tensors) - 1

    def _append(
        self,
        kind: OpKind,
        inputs: list[int],
        output_shape: tuple[int, ...],
        parameters: list[Array] | None = None,
        **attributes: Any,
    ) -> int:
        name = f"{kind.lower()}_{len(self.graph.ops)}"
        constants = [
            self._tensor(f"{name}/{role}", parameter.shape, parameter)
            for role, parameter in zip(("weights", "bias"), parameters or [], strict=False)
        ]
        output = self._tensor(f"{name}/output", output_shape)
        self.graph.ops.append(Op(kind, [*inputs, *constants], [output], attributes, name))
        return output


def _strided(shape: tuple[int, ...], stride: int) -> tuple[int, int]:
    """Height and width of what padding SAME gives."""
    return -(-shape[1] // stride), -(-shape[2] // stride)
