"""The NumPy kernels against TensorFlow Lite for Microcontrollers itself."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from host.models import load_model
from host.models.graph import DType, OpKind
from host.models.tflite_importer import import_tflite
from host.reference import expected_output, expected_outputs, oracle, reference_run
from host.reference.oracle import run_tflm
from protocol.generator import draw_input
from tests.support.models import INT8_MODELS, published_model
from tests.support.single_op_models import (
    INT4_STRATEGIES,
    STRATEGIES,
    SingleOpModel,
    single_op_models,
)

runtime = pytest.importorskip("tflite_micro.python.tflite_micro.runtime")

EXAMPLES_EACH = 40
CASES = [
    *((kind, DType.INT8) for kind in STRATEGIES),
    *((kind, DType.INT4) for kind in INT4_STRATEGIES),
]


@contextmanager
def quiet_c() -> Iterator[None]:
    """TFLM reports its allocations from C."""
    saved, null = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 2)
    try:
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(null)


def tflm_output(model: SingleOpModel) -> NDArray[np.int8]:
    with quiet_c():
        interpreter = runtime.Interpreter.from_bytes(model.tflite, arena_size=1 << 20)
        for position, array in enumerate(model.inputs):
            interpreter.set_input(array, position)
        interpreter.invoke()
        return np.asarray(interpreter.get_output(0))


@pytest.mark.parametrize(("kind", "weights"), CASES)
def test_single_ops_equal_tflm(kind: OpKind, weights: DType) -> None:
    @settings(
        max_examples=EXAMPLES_EACH,
        deadline=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(single_op_models(kind, weights))
    def equal(model: SingleOpModel) -> None:
        graph = import_tflite(model.tflite, "generated")
        got = reference_run(graph, model.inputs)[graph.outputs[0]]
        np.testing.assert_array_equal(got.reshape(-1), tflm_output(model).reshape(-1))

    equal()


@pytest.mark.parametrize("name", INT8_MODELS)
@pytest.mark.parametrize("seed", [1, 77])
def test_every_layer_of_published_models_equals_tflm(name: str, seed: int) -> None:
    path = published_model(name)
    graph = load_model(path)
    inputs = [
        np.frombuffer(draw_input(seed, position, tensor.elements), np.int8).reshape(tensor.shape)
        for position, tensor in enumerate(graph.tensors[index] for index in graph.inputs)
    ]
    layers = reference_run(graph, inputs)
    tflm = run_tflm(graph, path.read_bytes(), inputs, list(layers))
    assert tflm is not None
    for index, values in layers.items():
        np.testing.assert_array_equal(values, tflm[index], err_msg=graph.tensors[index].name)


@given(st.data())
@settings(max_examples=3, deadline=None, derandomize=True)
def test_oracle_answers_alike_with_and_without_tflm(data: st.DataObject) -> None:
    model = data.draw(single_op_models(OpKind.CONV_2D))
    graph = import_tflite(model.tflite, "generated")
    inputs = [array.tobytes() for array in model.inputs]
    with_tflm = expected_output(graph, model.tflite, inputs)
    graph.source_format = "onnx"  # which TFLM does not read
    without = expected_output(graph, model.tflite, inputs)
    assert (with_tflm.source, without.source) == ("tflite-micro", "numpy")
    assert with_tflm.crc32 == without.crc32
    assert with_tflm.arithmetic == without.arithmetic == oracle.ARITHMETIC


@given(st.data())
@settings(max_examples=3, deadline=None, derandomize=True)
def test_many_samples_are_answered_as_each_alone(data: st.DataObject) -> None:
    model = data.draw(single_op_models(OpKind.ADD))
    graph = import_tflite(model.tflite, "generated")
    samples = [np.stack([array, ~array, array // 2]) for array in model.inputs]
    (with_tflm,), source = expected_outputs(graph, model.tflite, samples)
    assert source == "tflite-micro"
    graph.source_format = "onnx"  # which TFLM does not read
    (without,), source = expected_outputs(graph, model.tflite, samples)
    assert source == "numpy"
    np.testing.assert_array_equal(with_tflm, without)
    for number, found in enumerate(with_tflm):
        alone = reference_run(graph, [array[number] for array in samples])
        np.testing.assert_array_equal(found, alone[graph.outputs[0]])


def test_a_file_that_tflm_refuses_leaves_the_process_alone() -> None:
    path = published_model("hello_world_int8")
    graph = load_model(path)
    inputs = [np.zeros(graph.tensors[index].shape, np.int8) for index in graph.inputs]
    assert run_tflm(graph, path.read_bytes()[:1000], inputs, graph.outputs) is None
