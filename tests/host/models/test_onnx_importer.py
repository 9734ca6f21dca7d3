"""ONNX models become graphs that compute the same: LiteRT's outputs against onnxruntime's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnxruntime
import pytest
from ai_edge_litert.interpreter import Interpreter
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from host.errors import ModelError
from host.models import load_model
from host.models.graph import Activation, Graph, OpKind, Padding
from host.models.onnx_importer import import_onnx
from host.models.tflite_writer import write_float_tflite
from tests.support.make import ROOT

TOLERANCE = 1e-5
OPSET = 17

Array = NDArray[np.float32]


class Maker:
    """Builds an ONNX model node by node; weights are drawn from a seed."""

    def __init__(self, *shape: int | str, seed: int = 0) -> None:
        self.random = np.random.default_rng(seed)
        self.shape = shape
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def constant(self, values: Any, dtype: Any = np.float32) -> str:
        name = f"constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(values, dtype), name))
        return name

    def drawn(self, *shape: int) -> str:
        return self.constant(self.random.normal(0, 0.5, shape))

    def node(self, kind: str, *inputs: str, **attributes: Any) -> str:
        output = f"value_{len(self.nodes)}"
        node = helper.make_node(kind, list(inputs), [output], name=f"node_{len(self.nodes)}")
        node.attribute.extend(helper.make_attribute(k, v) for k, v in attributes.items())
        self.nodes.append(node)
        return output

    def bytes(self, output: str) -> bytes:
        graph = helper.make_graph(
            self.nodes,
            "test",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, list(self.shape))],
            [helper.make_tensor_value_info(output, TensorProto.FLOAT, None)],
            self.constants,
        )
        for value in graph.output:  # the checker wants a shape, if only an empty one
            value.type.tensor_type.shape.SetInParent()
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)])
        model.ir_version = 9
        del model.graph.output[0].type.tensor_type.shape.dim[:]
        session = onnxruntime.InferenceSession(
            _without_output_shape(model), providers=["CPUExecutionProvider"]
        )
        shape = session.get_outputs()[0].shape
        model.graph.output[0].CopyFrom(
            helper.make_tensor_value_info(output, TensorProto.FLOAT, shape)
        )
        return bytes(model.SerializeToString())


def _without_output_shape(model: Any) -> bytes:
    model.graph.output[0].type.tensor_type.ClearField("shape")
    return bytes(model.SerializeToString())


def outputs(data: bytes, seed: int = 1) -> tuple[Graph, Array, Array]:
    """The graph, what onnxruntime computes of the file, and LiteRT of what is written."""
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    shape = [extent if isinstance(extent, int) else 1 for extent in session.get_inputs()[0].shape]
    x = np.random.default_rng(seed).normal(0, 1, shape).astype(np.float32)
    (expected,) = session.run(None, {session.get_inputs()[0].name: x})
    graph = import_onnx(data, "test")
    interpreter = Interpreter(model_content=write_float_tflite(graph))
    interpreter.allocate_tensors()
    target = interpreter.get_input_details()[0]["index"]
    interpreter.set_tensor(target, graph.from_file_layout(0, x))
    interpreter.invoke()
    found = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
    return graph, np.asarray(expected), graph.to_file_layout(0, found)


def assert_equal(data: bytes) -> Graph:
    graph, expected, found = outputs(data)
    assert found.shape == expected.shape
    scale = max(1.0, float(np.abs(expected).max()))
    np.testing.assert_allclose(found, expected, rtol=0, atol=TOLERANCE * scale)
    return graph


@pytest.mark.parametrize("name", ["digits_mlp", "digits_cnn"])
def test_the_examples(name: str) -> None:
    data = (ROOT / "examples" / f"{name}.onnx").read_bytes()
    graph, expected, found = outputs(data)
    np.testing.assert_allclose(found, expected, rtol=0, atol=TOLERANCE)
    assert OpKind.TRANSPOSE not in {op.kind for op in graph.ops}


sides = st.integers(1, 3)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    channels=st.integers(1, 6),
    kernel=st.tuples(sides, sides),
    stride=st.tuples(sides, sides),
    dilation=st.tuples(st.integers(1, 2), st.integers(1, 2)),
    pads=st.lists(st.integers(0, 2), min_size=4, max_size=4),
    how=st.sampled_from(["dense", "depthwise", "grouped"]),
    multiplier=st.integers(1, 3),
    extent=st.tuples(st.integers(5, 9), st.integers(5, 9)),
    bias=st.booleans(),
)
def test_convolutions(
    channels: int,
    kernel: tuple[int, int],
    stride: tuple[int, int],
    dilation: tuple[int, int],
    pads: list[int],
    how: str,
    multiplier: int,
    extent: tuple[int, int],
    bias: bool,
) -> None:
    groups = {"dense": 1, "depthwise": channels, "grouped": 2 if channels % 2 == 0 else 1}[how]
    maker = Maker(1, channels, *extent)
    count = groups * multiplier
    weights = maker.drawn(count, channels // groups, *kernel)
    inputs = ["x", weights, maker.drawn(count)] if bias else ["x", weights]
    output = maker.node(
        "Conv", *inputs, group=groups, strides=stride, dilations=dilation, pads=pads
    )
    assert_equal(maker.bytes(output))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    kind=st.sampled_from(["MaxPool", "AveragePool"]),
    window=st.tuples(sides, sides),
    stride=st.tuples(sides, sides),
    pads=st.lists(st.integers(0, 1), min_size=4, max_size=4),
    extent=st.tuples(st.integers(4, 9), st.integers(4, 9)),
)
def test_pools(
    kind: str,
    window: tuple[int, int],
    stride: tuple[int, int],
    pads: list[int],
    extent: tuple[int, int],
) -> None:
    assume(all(pad < side for pad, side in zip(pads, window * 2, strict=True)))
    maker = Maker(1, 3, *extent)
    attributes: dict[str, Any] = {"kernel_shape": window, "strides": stride, "pads": pads}
    if kind == "AveragePool":
        attributes["count_include_pad"] = 1
    activated = maker.node("Relu", "x")
    assert_equal(maker.bytes(maker.node(kind, activated, **attributes)))


def conv(maker: Maker, source: str, channels: int, outputs: int, **attributes: Any) -> str:
    weights = maker.drawn(outputs, channels, 3, 3)
    return maker.node("Conv", source, weights, pads=[1, 1, 1, 1], **attributes)


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


MODELS: list[Callable[[Maker], str]] = [
    residual,
    flattened,
    reshaped_by_computed_shape,
    normalized,
    normalized_first,
    squeezed,
    joined,
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


@pytest.mark.parametrize("build", MODELS, ids=[build.__name__ for build in MODELS])
def test_models(build: Callable[[Maker], str]) -> None:
    maker = Maker(1, 3, 6, 5)
    assert_equal(maker.bytes(build(maker)))


def test_a_dynamic_batch_is_one() -> None:
    maker = Maker("N", 3, 6, 5)
    graph = assert_equal(maker.bytes(flattened(maker)))
    assert graph.tensors[graph.inputs[0]].shape == (1, 6, 5, 3)


def test_normalization_and_activation_go_into_the_convolution() -> None:
    maker = Maker(1, 3, 6, 5)
    graph = assert_equal(maker.bytes(maker.node("Relu", normalized(maker))))
    assert [op.kind for op in graph.ops] == [OpKind.CONV_2D]
    assert graph.ops[0].attributes["activation"] is Activation.RELU
    assert graph.ops[0].attributes["padding"] is Padding.SAME


def test_a_hard_swish_in_two_nodes_is_one_op() -> None:
    maker = Maker(1, 3, 6, 5)
    source = conv(maker, "x", 3, 4)
    gate = maker.node("HardSigmoid", source, alpha=1 / 6, beta=0.5)
    graph = assert_equal(maker.bytes(maker.node("Mul", source, gate)))
    assert [op.kind for op in graph.ops] == [OpKind.CONV_2D, OpKind.HARD_SWISH]


def test_pads_that_no_padding_expresses_become_an_op() -> None:
    maker = Maker(1, 3, 6, 6)  # TensorFlow's SAME pads an even extent after it alone
    graph = assert_equal(maker.bytes(conv(maker, "x", 3, 4, strides=[2, 2])))
    assert [op.kind for op in graph.ops] == [OpKind.PAD, OpKind.CONV_2D]


# Refusals


def refused(maker: Maker, output: str, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        import_onnx(maker.bytes(output), "test")


def test_an_unsupported_node_is_named() -> None:
    maker = Maker(1, 3, 6, 5)
    refused(maker, maker.node("Erf", "x"), r"node 'node_0' \(Erf\) is not supported; supported: ")


def test_another_dynamic_dimension_is_named() -> None:
    maker = Maker(1, 3, "height", 5)
    refused(maker, maker.node("Relu", "x"), r"dimension 2 \(height\) of input 'x' is dynamic")


def test_weights_that_are_computed_are_refused() -> None:
    maker = Maker(1, 4, 4, 4)
    flat = maker.node("Reshape", "x", maker.constant([8, 8], np.int64))
    refused(maker, maker.node("MatMul", flat, flat), "needs its second factor")


def test_a_pool_that_would_see_its_padding_is_refused() -> None:
    maker = Maker(1, 3, 6, 6)
    pooled = maker.node("MaxPool", "x", kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    refused(maker, pooled, "its input may be negative")


@pytest.mark.parametrize("cut", [10, 400])
def test_a_truncated_file_is_refused(cut: int, tmp_path: Any) -> None:
    data = (ROOT / "examples" / "digits_mlp.onnx").read_bytes()
    path = tmp_path / "cut.onnx"
    path.write_bytes(data[:cut])
    with pytest.raises(ModelError):
        load_model(path)
