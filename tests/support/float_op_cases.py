"""A float graph of every operator, and what onnxruntime (or NumPy) computes of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnx import TensorProto, helper

from host.models.graph import (
    Activation,
    DType,
    Graph,
    Op,
    OpKind,
    Padding,
    Quantization,
    Tensor,
)

Array = NDArray[Any]
RNG = np.random.default_rng(3)
IMAGE = RNG.standard_normal((1, 7, 6, 4)).astype(np.float32)
ROWS = RNG.standard_normal((3, 12)).astype(np.float32)
WINDOW = {
    "padding": Padding.SAME,
    "stride": (2, 1),
    "dilation": (1, 1),
    "activation": Activation.RELU6,
}


def single_op(
    kind: OpKind,
    inputs: list[Array],
    output_shape: tuple[int, ...],
    constants: tuple[Array | None, ...] = (),
    *,
    output_dtype: DType = DType.FLOAT32,
    quantization: Quantization | None = None,
    **attributes: Any,
) -> Graph:
    """A graph of one operator. ``quantization`` belongs to whichever tensor is int8."""

    def tensor(
        name: str, shape: tuple[int, ...], dtype: DType, data: Array | None = None
    ) -> Tensor:
        return Tensor(name, shape, dtype, quantization if dtype is DType.INT8 else None, data)

    tensors = [
        tensor(f"input_{index}", each.shape, DType(each.dtype.name))
        for index, each in enumerate(inputs)
    ]
    operands: list[int | None] = list(range(len(inputs)))
    for constant in constants:
        if constant is None:
            operands.append(None)
            continue
        operands.append(len(tensors))
        name = f"constant_{len(tensors)}"
        tensors.append(tensor(name, constant.shape, DType(constant.dtype.name), constant))
    tensors.append(tensor("output", output_shape, output_dtype))
    output = len(tensors) - 1
    op = Op(kind, operands, [output], attributes, name=kind.lower())
    return Graph(kind.lower(), tensors, [op], list(range(len(inputs))), [output])


def run_onnx_op(op_type: str, operands: list[Array], **attributes: Any) -> Array:
    """One ONNX node over float32 operands, by onnxruntime."""
    names = [f"x{index}" for index in range(len(operands))]
    graph = helper.make_graph(
        [helper.make_node(op_type, names, ["y"], **attributes)],
        "oracle",
        [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, each.shape)
            for name, each in zip(names, operands, strict=True)
        ],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
    )
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8
    ).SerializeToString()
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    result: Array = session.run(None, dict(zip(names, operands, strict=True)))[0]
    return result


def nhwc(op_type: str, image: Array, *parameters: Array, **attributes: Any) -> Array:
    """A spatial ONNX node on an NHWC image; parameters are in ONNX's own layout."""
    return run_onnx_op(op_type, [image.transpose(0, 3, 1, 2), *parameters], **attributes).transpose(
        0, 2, 3, 1
    )


def relu6(values: Array) -> Array:
    return np.clip(values, 0, 6)


def weights(*shape: int) -> Array:
    return np.random.default_rng(len(shape)).standard_normal(shape).astype(np.float32)


@attrs.frozen
class Case:
    graph: Graph
    inputs: list[Array]
    expected: Callable[[], Array]


def conv(groups: int, dilation: int) -> Case:
    kernel, bias = weights(8, 3, 3, 4 // groups), weights(8)
    stride = (2, 1) if dilation == 1 else (1, 1)
    shape = (1, -(-7 // stride[0]), 6, 8)
    attributes = WINDOW | {"stride": stride, "dilation": (dilation, dilation)}
    return Case(
        single_op(OpKind.CONV_2D, [IMAGE], shape, (kernel, bias), **attributes),
        [IMAGE],
        lambda: relu6(
            nhwc(
                "Conv",
                IMAGE,
                kernel.transpose(0, 3, 1, 2),
                bias,
                group=groups,
                strides=list(stride),
                dilations=[dilation, dilation],
                pads=[dilation] * 4,  # what SAME comes to for these shapes
            )
        ),
    )


def depthwise(multiplier: int, dilation: int) -> Case:
    channels = 4 * multiplier
    kernel, bias = weights(1, 3, 3, channels), weights(channels)
    extent = 2 * dilation + 1
    shape = (1, 7 - extent + 1, 6 - extent + 1, channels)
    attributes = {
        "padding": Padding.VALID,
        "stride": (1, 1),
        "dilation": (dilation, dilation),
        "activation": Activation.NONE,
        "depth_multiplier": multiplier,
    }
    return Case(
        single_op(OpKind.DEPTHWISE_CONV_2D, [IMAGE], shape, (kernel, bias), **attributes),
        [IMAGE],
        lambda: nhwc(
            "Conv",
            IMAGE,
            kernel.transpose(3, 0, 1, 2),
            bias,
            group=4,
            dilations=[dilation, dilation],
        ),
    )


def pool(kind: OpKind, op_type: str) -> Case:
    attributes = {
        "padding": Padding.SAME,
        "stride": (2, 2),
        "window": (3, 2),
        "activation": Activation.NONE,
    }
    return Case(
        single_op(kind, [IMAGE], (1, 4, 3, 4), **attributes),
        [IMAGE],
        lambda: nhwc(op_type, IMAGE, kernel_shape=[3, 2], strides=[2, 2], auto_pad="SAME_UPPER"),
    )


def fully_connected(*, bias: bool, keep_num_dims: bool) -> Case:
    inputs = ROWS.reshape(1, 3, 12) if keep_num_dims else ROWS
    kernel = weights(5, 12)
    offset = weights(5) if bias else None
    return Case(
        single_op(
            OpKind.FULLY_CONNECTED,
            [inputs],
            (*inputs.shape[:-1], 5),
            (kernel, offset),
            activation=Activation.RELU,
            keep_num_dims=keep_num_dims,
        ),
        [inputs],
        lambda: np.maximum(inputs @ kernel.T + (0 if offset is None else offset), 0),
    )


def binary(kind: OpKind, function: Callable[[Array, Array], Array]) -> Case:
    other = weights(1, 7, 6, 4)
    return Case(
        single_op(kind, [IMAGE, other], IMAGE.shape, activation=Activation.RELU_N1_TO_1),
        [IMAGE, other],
        lambda: np.clip(function(IMAGE, other), -1, 1),
    )


PADDINGS = ((0, 0), (1, 2), (0, 3), (0, 0))
CASES: dict[str, Callable[[], Case]] = {
    "CONV_2D": lambda: conv(1, 1),
    "CONV_2D dilated": lambda: conv(1, 2),
    "CONV_2D grouped": lambda: conv(2, 1),
    "DEPTHWISE_CONV_2D": lambda: depthwise(1, 1),
    "DEPTHWISE_CONV_2D multiplied": lambda: depthwise(3, 1),
    "DEPTHWISE_CONV_2D dilated": lambda: depthwise(1, 2),
    "AVERAGE_POOL_2D": lambda: pool(OpKind.AVERAGE_POOL_2D, "AveragePool"),
    "MAX_POOL_2D": lambda: pool(OpKind.MAX_POOL_2D, "MaxPool"),
    "FULLY_CONNECTED": lambda: fully_connected(bias=True, keep_num_dims=False),
    "FULLY_CONNECTED no bias": lambda: fully_connected(bias=False, keep_num_dims=False),
    "FULLY_CONNECTED kept dims": lambda: fully_connected(bias=True, keep_num_dims=True),
    "ADD": lambda: binary(OpKind.ADD, np.add),
    "MUL": lambda: binary(OpKind.MUL, np.multiply),
    "SOFTMAX": lambda: Case(
        single_op(OpKind.SOFTMAX, [ROWS], ROWS.shape, beta=0.5),
        [ROWS],
        lambda: run_onnx_op("Softmax", [ROWS * np.float32(0.5)], axis=-1),
    ),
    "LOGISTIC": lambda: Case(
        single_op(OpKind.LOGISTIC, [ROWS], ROWS.shape),
        [ROWS],
        lambda: run_onnx_op("Sigmoid", [ROWS]),
    ),
    "HARD_SWISH": lambda: Case(
        single_op(OpKind.HARD_SWISH, [ROWS], ROWS.shape),
        [ROWS],
        lambda: run_onnx_op("HardSwish", [ROWS]),
    ),
    "PAD": lambda: Case(
        single_op(OpKind.PAD, [IMAGE], (1, 10, 9, 4), paddings=PADDINGS),
        [IMAGE],
        lambda: np.pad(IMAGE, PADDINGS),
    ),
    "MEAN": lambda: Case(
        single_op(OpKind.MEAN, [IMAGE], (1, 4), axes=(1, 2), keep_dims=False),
        [IMAGE],
        lambda: run_onnx_op("ReduceMean", [IMAGE], axes=[1, 2], keepdims=0),
    ),
    "CONCATENATION": lambda: Case(
        single_op(
            OpKind.CONCATENATION, [IMAGE, IMAGE], (1, 14, 6, 4), axis=1, activation=Activation.NONE
        ),
        [IMAGE, IMAGE],
        lambda: np.concatenate([IMAGE, IMAGE], axis=1),
    ),
    "TRANSPOSE": lambda: Case(
        single_op(OpKind.TRANSPOSE, [IMAGE], (1, 4, 6, 7), permutation=(0, 3, 2, 1)),
        [IMAGE],
        lambda: IMAGE.transpose(0, 3, 2, 1),
    ),
    "RESHAPE": lambda: Case(
        single_op(OpKind.RESHAPE, [IMAGE], (1, 168)), [IMAGE], lambda: IMAGE.reshape(1, 168)
    ),
}
