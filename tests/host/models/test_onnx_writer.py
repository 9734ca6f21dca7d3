"""What the ONNX writer writes computes the same in onnxruntime, and is read as the same graph."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import attrs
import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.typing import NDArray

from host.distillation.inference import TfliteRunner
from host.errors import ModelError
from host.models import load_model
from host.models.graph import Activation, Graph, OpKind
from host.models.onnx_importer import import_onnx
from host.models.onnx_writer import write_float_onnx
from host.models.tflite_writer import write_float_tflite
from tests.support.float_op_cases import CASES, IMAGE, WINDOW, single_op, weights
from tests.support.make import ROOT
from tests.support.models import published_model
from tests.support.onnx_models import Maker
from tests.support.onnx_networks import NETWORKS

EXAMPLES = ROOT / "examples"
Array = NDArray[np.float32]


def by_onnxruntime(data: bytes, *inputs: Array) -> Array:
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    names = [each.name for each in session.get_inputs()]
    result: Array = session.run(None, dict(zip(names, inputs, strict=True)))[0]
    return result


def assert_close(found: Array, expected: Array) -> None:
    scale = max(1.0, float(np.abs(expected).max()))
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5 * scale)


def kinds(graph: Graph) -> Counter[OpKind]:
    return Counter(op.kind for op in graph.ops)


def computing(graph: Graph) -> Counter[OpKind]:
    """Without what only moves values: where orders meet is for each importer to find."""
    return Counter(op.kind for op in graph.ops if op.kind not in (OpKind.RESHAPE, OpKind.TRANSPOSE))


FLOAT_CASES = [
    name
    for name in CASES
    if CASES[name]().graph.ops[0].kind not in (OpKind.QUANTIZE, OpKind.DEQUANTIZE)
]


@pytest.mark.parametrize("name", FLOAT_CASES)
def test_every_float_operator(name: str) -> None:
    case = CASES[name]()
    assert_close(by_onnxruntime(write_float_onnx(case.graph), *case.inputs), case.expected())


@pytest.mark.parametrize(
    ("activation", "low", "high"),
    [
        (Activation.RELU, 0.0, np.inf),
        (Activation.RELU6, 0.0, 6.0),
        (Activation.RELU_N1_TO_1, -1.0, 1.0),
    ],
)
def test_every_activation(activation: Activation, low: float, high: float) -> None:
    attributes = WINDOW | {"stride": (1, 1)}
    graphs = [
        single_op(
            OpKind.CONV_2D,
            [IMAGE],
            (1, 7, 6, 5),
            (9 * weights(5, 3, 3, 4), weights(5)),
            **(attributes | {"activation": each}),
        )
        for each in (Activation.NONE, activation)
    ]
    linear, found = (by_onnxruntime(write_float_onnx(graph), IMAGE) for graph in graphs)
    assert (linear > 6).any()
    assert (linear < -1).any()
    assert_close(found, np.clip(linear, low, high))


@pytest.mark.parametrize("build", NETWORKS, ids=[build.__name__ for build in NETWORKS])
def test_what_was_onnx_takes_and_gives_the_same_again(build: Callable[[Maker], str]) -> None:
    maker = Maker(1, 3, 6, 5)
    source = maker.bytes(build(maker))
    graph = import_onnx(source, "test")
    written = write_float_onnx(graph)
    x = np.random.default_rng(1).normal(0, 1, (1, 3, 6, 5)).astype(np.float32)
    assert_close(by_onnxruntime(written, x), by_onnxruntime(source, x))
    again = import_onnx(written, "again")
    assert computing(again) == computing(graph)
    image = again.from_file_layout(0, x)
    found = TfliteRunner(write_float_tflite(again)).run(image)
    shape = again.tensors[again.outputs[0]].shape
    assert_close(again.to_file_layout(0, found.reshape(shape)), by_onnxruntime(source, x))


MODELS = ["ic_resnet8_float", "ad01_fp32", "hello_world_float"]


@pytest.mark.parametrize("name", MODELS)
def test_published_models_compute_what_litert_computes(name: str) -> None:
    graph = load_model(published_model(name))
    data = write_float_onnx(graph)
    shape = graph.tensors[graph.inputs[0]].shape
    x = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    expected = TfliteRunner(write_float_tflite(graph)).run(x)
    assert_close(by_onnxruntime(data, x).reshape(-1), expected)
    again = import_onnx(data, name)
    assert kinds(again) == kinds(graph)
    assert_close(TfliteRunner(write_float_tflite(again)).run(x), expected)


def test_a_model_of_images_holds_no_more_transposes_than_it_needs() -> None:
    """NHWC at the input, NCHW at the convolutions, and once more before the flat features."""
    data = write_float_onnx(load_model(EXAMPLES / "digits_cnn_float.tflite"))
    nodes = [node.op_type for node in onnx.ModelProto.FromString(data).graph.node]
    assert nodes.count("Transpose") == 2


def test_the_same_graph_gives_the_same_bytes() -> None:
    graph = load_model(EXAMPLES / "digits_cnn.onnx")
    assert write_float_onnx(graph) == write_float_onnx(graph)


def test_two_tensors_of_one_name_stay_apart() -> None:
    graph = load_model(EXAMPLES / "digits_mlp.onnx")
    same = attrs.evolve(graph, tensors=[attrs.evolve(t, name="value") for t in graph.tensors])
    x = np.random.default_rng(0).random((1, 64)).astype(np.float32)
    assert_close(
        by_onnxruntime(write_float_onnx(same), x), by_onnxruntime(write_float_onnx(graph), x)
    )


def test_a_quantized_model_is_refused() -> None:
    with pytest.raises(ModelError, match=r"has no place in a float \.onnx|is int8"):
        write_float_onnx(load_model(EXAMPLES / "digits_cnn_int8.tflite"))
