"""Every layer of whole models: the runtime against TensorFlow Lite Micro."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from host.compiler import compile_graph
from host.models.loader import load_model
from tests.support.jr_runner import JrRunner, split_outputs
from tests.support.layers import assert_layers_equal, random_inputs
from tests.support.tflm import Tflm

ROOT = Path(__file__).resolve().parents[3]
EXAMPLES = ROOT / "examples"
PUBLISHED = ROOT.parent / "shared" / "models"
MODELS = [
    EXAMPLES / "digits_mlp_int8.tflite",
    EXAMPLES / "digits_cnn_int8.tflite",
    PUBLISHED / "hello_world_int8.tflite",
    PUBLISHED / "ad01_int8.tflite",
    PUBLISHED / "kws_dscnn_int8.tflite",
    PUBLISHED / "ic_resnet8_int8.tflite",
]


@pytest.fixture(scope="module")
def tflm() -> Iterator[Tflm]:
    with Tflm() as oracle:
        yield oracle


@pytest.mark.parametrize("path", MODELS, ids=[path.stem for path in MODELS])
def test_every_layer_equals_tflm(any_runner: JrRunner, tflm: Tflm, path: Path) -> None:
    if not path.exists():
        pytest.skip(f"{path} is not there: this model is not checked")
    graph = load_model(path)
    compiled = compile_graph(graph)
    for seed in range(2):
        inputs = random_inputs(compiled, seed)
        assert_layers_equal(any_runner, tflm, path.read_bytes(), graph, compiled, inputs)


def test_a_run_ends_after_the_op_limit(runner: JrRunner) -> None:
    """So that a board can be stopped at the op whose output is wanted."""
    compiled = compile_graph(load_model(EXAMPLES / "digits_cnn_int8.tflite"))
    assert runner.load(compiled.data, compiled.arena_bytes).code == 0
    written = {limit: len(runner.run(limit)) for limit in (0, 1, 2)}
    assert written[0] == 0 < written[1] < written[2]
    everything = split_outputs(compiled.data, runner.run())
    assert len(everything) == len(compiled.ops)
