"""A trained network as the project's :class:`Graph`, batch 1, NHWC."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from examples.training.layers import (
    AveragePool,
    Conv2D,
    Dense,
    DepthwiseConv2D,
    Flatten,
    Layer,
    Relu,
)
from examples.training.networks import Recipe
from host.models.graph import Activation, DType, Graph, Op, OpKind, Padding, Tensor


class _Builder:
    """Appends operators that each read what the one before wrote."""

    def __init__(self, name: str, input_shape: tuple[int, ...]) -> None:
        self.graph = Graph(name=name, tensors=[], ops=[], inputs=[], outputs=[])
        self.current = self.tensor("image", input_shape)
        self.graph.inputs.append(self.current)

    @property
    def shape(self) -> tuple[int, ...]:
        return self.graph.tensors[self.current].shape

    def tensor(
        self, name: str, shape: tuple[int, ...], data: NDArray[np.float32] | None = None
    ) -> int:
        self.graph.tensors.append(Tensor(name, shape, DType.FLOAT32, data=data))
        return len(self.graph.tensors) - 1

    def append(
        self,
        kind: OpKind,
        output_shape: tuple[int, ...],
        parameters: list[NDArray[np.float32]],
        output_name: str = "",
        **attributes: Any,
    ) -> None:
        name = f"{kind.lower()}_{len(self.graph.ops)}"
        constants = [
            self.tensor(f"{name}/{role}", parameter.shape, parameter)
            for role, parameter in zip(("weights", "bias"), parameters, strict=False)
        ]
        output = self.tensor(output_name or f"{name}/output", output_shape)
        self.graph.ops.append(Op(kind, [self.current, *constants], [output], attributes, name))
        self.current = output


def _append(builder: _Builder, layer: Layer, activation: Activation) -> None:
    shape = builder.shape
    match layer:
        case Conv2D() | DepthwiseConv2D():
            depthwise = isinstance(layer, DepthwiseConv2D)
            stride = layer.windows.stride
            size = [-(-edge // stride) for edge in shape[1:3]]
            channels = len(layer.parameters[1])
            builder.append(
                OpKind.DEPTHWISE_CONV_2D if depthwise else OpKind.CONV_2D,
                (1, size[0], size[1], channels),
                layer.parameters,
                padding=Padding.SAME,
                stride=(stride, stride),
                dilation=(1, 1),
                activation=activation,
                **({"depth_multiplier": 1} if depthwise else {}),
            )
        case AveragePool(window=window):
            builder.append(
                OpKind.AVERAGE_POOL_2D,
                (1, shape[1] // window, shape[2] // window, shape[3]),
                [],
                padding=Padding.VALID,
                stride=(window, window),
                window=(window, window),
                activation=Activation.NONE,
            )
        case Flatten():
            if len(shape) > 2:
                builder.append(OpKind.RESHAPE, (1, int(np.prod(shape))), [])
        case Dense():
            builder.append(
                OpKind.FULLY_CONNECTED,
                (1, len(layer.parameters[1])),
                layer.parameters,
                activation=activation,
                keep_num_dims=False,
            )
        case _:
            raise TypeError(f"{type(layer).__name__} has no operator of its own")


def to_graph(recipe: Recipe, layers: list[Layer]) -> Graph:
    """The network with its ReLUs fused and a SOFTMAX at the end.

    Input ``image``: [1, 64] or [1, 8, 8, 1] float32 in 0..1; output ``probabilities`` [1, 10].
    """
    builder = _Builder(recipe.name, (1, 64) if recipe.flat_input else (1, 8, 8, 1))
    for position, layer in enumerate(layers):
        if isinstance(layer, Relu):
            continue
        fused = position + 1 < len(layers) and isinstance(layers[position + 1], Relu)
        _append(builder, layer, Activation.RELU if fused else Activation.NONE)
    builder.append(OpKind.SOFTMAX, builder.shape, [], output_name="probabilities", beta=1.0)
    builder.graph.outputs.append(builder.current)
    return builder.graph
