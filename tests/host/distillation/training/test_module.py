"""The torch module computes what onnxruntime and LiteRT do, and gives its graph back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is an extra and not installed here: '.[train]'")

import torch
from numpy.typing import NDArray

from host.distillation.inference import TfliteRunner
from host.distillation.training.module import GraphModule, head_of
from host.errors import ModelError
from host.models import load_model
from host.models.graph import Graph, OpKind
from host.models.tflite_writer import write_float_tflite
from tests.support.float_op_cases import CASES, IMAGE, single_op
from tests.support.make import ROOT
from tests.support.models import published_model
from tests.support.onnx_models import Maker
from tests.support.onnx_networks import NETWORKS

EXAMPLES = ROOT / "examples"


def outputs(graph: Graph, *inputs: NDArray[np.float32]) -> NDArray[np.float32]:
    with torch.no_grad():
        return GraphModule(graph)(*map(torch.from_numpy, inputs))[0].numpy()


@pytest.mark.parametrize("name", CASES)
def test_every_float_operator_gives_what_onnxruntime_or_numpy_gives(name: str) -> None:
    case = CASES[name]()
    second = [np.roll(each, 1, axis=-1) for each in case.inputs]
    found = outputs(case.graph, *(np.stack(pair) for pair in zip(case.inputs, second, strict=True)))
    np.testing.assert_allclose(found[0], case.expected(), rtol=1e-5, atol=1e-5)
    # The sample beside it is computed by itself.
    alone = outputs(case.graph, *(each[np.newaxis] for each in second))
    np.testing.assert_allclose(found[1], alone[0], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", ["digits_mlp.onnx", "digits_cnn.onnx", "digits_cnn_float.tflite"])
def test_the_examples_compute_what_litert_computes(name: str) -> None:
    graph = load_model(EXAMPLES / name)
    shape = graph.tensors[graph.inputs[0]].shape
    images = np.load(EXAMPLES / "test" / "images.npy")[:50].reshape(50, *shape)
    expected = TfliteRunner(write_float_tflite(graph)).run_all(images)
    np.testing.assert_allclose(outputs(graph, images).reshape(50, -1), expected, atol=1e-5)


@pytest.mark.parametrize("name", ["ic_resnet8_float", "ad01_fp32", "hello_world_float"])
def test_published_models_compute_what_litert_computes(name: str) -> None:
    graph = load_model(published_model(name))
    shape = graph.tensors[graph.inputs[0]].shape
    samples = np.random.default_rng(0).standard_normal((3, *shape)).astype(np.float32)
    expected = TfliteRunner(write_float_tflite(graph)).run_all(samples)
    found = outputs(graph, samples).reshape(3, -1)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("build", NETWORKS, ids=[build.__name__ for build in NETWORKS])
def test_imported_networks_round_trip_and_have_gradients(
    build: Callable[[Maker], str], tmp_path: Path
) -> None:
    maker = Maker(1, 3, 6, 5)
    path = tmp_path / "m.onnx"
    path.write_bytes(maker.bytes(build(maker)))
    graph = load_model(path)
    module = GraphModule(graph)
    assert write_float_tflite(module.to_graph()) == write_float_tflite(graph)
    samples = np.random.default_rng(0).random((4, *graph.tensors[graph.inputs[0]].shape))
    expected = TfliteRunner(write_float_tflite(graph)).run_all(samples.astype(np.float32))
    scores = module.scores(torch.from_numpy(samples.astype(np.float32)))
    with torch.no_grad():
        found = module(torch.from_numpy(samples.astype(np.float32)))[0]
    np.testing.assert_allclose(found.reshape(4, -1), expected, rtol=1e-4, atol=1e-4)
    if module.trained:
        scores.square().mean().backward()
    for index, parameter in module.trained.items():
        assert parameter.grad is not None, graph.tensors[index].name
        assert bool(torch.isfinite(parameter.grad).all())


def test_what_was_learned_is_in_the_graph_that_comes_back() -> None:
    graph = load_model(EXAMPLES / "digits_mlp.onnx")
    before = {index: graph.tensors[index].data.copy() for index in GraphModule(graph).trained}
    module = GraphModule(graph)
    with torch.no_grad():
        for parameter in module.trained.values():
            parameter += 1.0
    back = module.to_graph()
    assert sorted(before) == sorted(module.trained)
    for index, data in before.items():
        np.testing.assert_array_equal(back.tensors[index].data, data + np.float32(1))
        np.testing.assert_array_equal(graph.tensors[index].data, data)  # the given one is not


def test_scores_are_those_before_the_last_function() -> None:
    graph = load_model(EXAMPLES / "digits_mlp.onnx")
    head = head_of(graph, graph.outputs[0])
    assert (head.kind, head.factor) == (OpKind.SOFTMAX, 1.0)
    samples = torch.rand(3, *graph.tensors[graph.inputs[0]].shape)
    module = GraphModule(graph)
    with torch.no_grad():
        probabilities = module(samples)[0].reshape(3, -1)
        np.testing.assert_allclose(
            torch.softmax(module.scores(samples), 1), probabilities, atol=1e-6
        )


def test_a_number_that_belongs_to_a_function_is_not_trained() -> None:
    one, many = np.full(1, 3.0, np.float32), np.ones((1, 1, 1, 4), np.float32)
    for constant, count in ((one, 0), (many, 1)):
        graph = single_op(OpKind.ADD, [IMAGE], IMAGE.shape, (constant,))
        assert len(GraphModule(graph).trained) == count


def test_a_quantized_model_is_refused() -> None:
    with pytest.raises(ModelError, match="quantized already; name the float model"):
        GraphModule(load_model(EXAMPLES / "digits_mlp_int8.tflite"))
