"""A trained network as ONNX, in the layout that exporters write: NCHW, [K, C, R, S]."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from examples.training.layers import (
    AveragePool,
    Conv2D,
    Dense,
    DepthwiseConv2D,
    Flatten,
    Layer,
    Relu,
    same_padding,
)
from examples.training.networks import CLASSES, Recipe

OPSET = 17
IR_VERSION = 8  # the one that opset 17 was released with
EDGE = 8


class _Builder:
    """Appends nodes that each read what the one before wrote."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: list[onnx.TensorProto] = []
        self.current = "image"

    def append(
        self, op_type: str, *parameters: NDArray[np.float32], output: str = "", **attributes: Any
    ) -> None:
        name = f"{op_type.lower()}_{len(self.nodes)}"
        inputs = [self.current]
        for role, parameter in zip(("weight", "bias"), parameters, strict=False):
            inputs.append(f"{name}.{role}")
            contiguous = np.ascontiguousarray(parameter)
            self.initializers.append(numpy_helper.from_array(contiguous, inputs[-1]))
        self.current = output or name
        self.nodes.append(helper.make_node(op_type, inputs, [self.current], name, **attributes))


def to_onnx(recipe: Recipe, layers: list[Layer]) -> bytes:
    """Serialized model; input ``image`` [1, 64] or [1, 1, 8, 8], output ``probabilities`` [1, 10].

    Features are flattened as H, W, C, which is what the dense weights were trained
    on, so a Transpose stands before a Flatten of an image with channels.
    """
    builder = _Builder()
    edge = EDGE
    for layer in layers:
        match layer:
            case Conv2D() | DepthwiseConv2D():
                weights, bias = layer.parameters
                window, stride = layer.windows.window, layer.windows.stride
                before, after = same_padding(edge, window, stride)
                edge = -(-edge // stride)
                depthwise = isinstance(layer, DepthwiseConv2D)
                builder.append(
                    "Conv",
                    weights.transpose(3, 0, 1, 2) if depthwise else weights.transpose(0, 3, 1, 2),
                    bias,
                    kernel_shape=[window, window],
                    strides=[stride, stride],
                    pads=[before, before, after, after],
                    group=len(bias) if depthwise else 1,
                )
            case AveragePool(window=window):
                edge //= window
                builder.append("AveragePool", kernel_shape=[window] * 2, strides=[window] * 2)
            case Flatten():
                if not recipe.flat_input:
                    builder.append("Transpose", perm=[0, 2, 3, 1])
                    builder.append("Flatten", axis=1)
            case Dense():
                builder.append("Gemm", *layer.parameters, transB=1)
            case Relu():
                builder.append("Relu")
            case _:
                raise TypeError(f"{type(layer).__name__} has no node of its own")
    builder.append("Softmax", output="probabilities", axis=-1)
    input_shape = [1, EDGE * EDGE] if recipe.flat_input else [1, 1, EDGE, EDGE]
    graph = helper.make_graph(
        builder.nodes,
        recipe.name,
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, input_shape)],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [1, CLASSES])],
        builder.initializers,
    )
    model = helper.make_model(
        graph,
        producer_name="jumpstation-hil",
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
    )
    onnx.checker.check_model(model, full_check=True)
    return model.SerializeToString(deterministic=True)
