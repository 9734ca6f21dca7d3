"""Quantization-aware training wins back what four bits cost, and exports what it trained."""

from __future__ import annotations

from pathlib import Path

import attrs
import numpy as np
import pytest
from threadpoolctl import threadpool_limits

pytest.importorskip("torch", reason="torch is an extra and not installed here: '.[train]'")

from examples.training import data as digits
from examples.training.networks import CNN, MLP, Recipe, train
from examples.training.to_graph import to_graph
from host.compiler import compile_graph
from host.distillation.training.accuracy import mean_error, top1
from host.distillation.training.data import TrainingData
from host.distillation.training.qat import Outputs, QatOptions, outputs_of, train_quantized
from host.distillation.training.qat_model import QatRequest, quantize_aware
from host.models import load_model
from host.models.graph import DType, Graph
from host.models.tflite_importer import import_tflite
from tests.support.make import ROOT

EXAMPLES = ROOT / "examples"
DIGITS = digits.load()
RECOVERED = 0.5
"""Of what post-training quantization loses, at least."""
ONE_STEP_SHARE = 0.99


def learn(graph: Graph, epochs: int = 10) -> Outputs:
    """Trained on the training images, judged on the test images; the export is compiled, too."""
    shape = graph.tensors[graph.inputs[0]].shape
    images = DIGITS.train_images.reshape(-1, *shape)
    split = TrainingData((images,), DIGITS.train_labels, source="digits").split()
    learned = train_quantized(graph, split, "int4", QatOptions(epochs=epochs))
    exported = import_tflite(learned.tflite, "m")
    assert DType.INT4 in {tensor.dtype for tensor in exported.tensors}
    assert len(compile_graph(exported).data) > 0
    tests = DIGITS.test_images.reshape(-1, *shape)
    return outputs_of(graph, learned, TrainingData((tests,), DIGITS.test_labels))


def accuracies(outputs: Outputs) -> list[float]:
    return [
        top1(each, DIGITS.test_labels) for each in (outputs.exact, outputs.ptq, outputs.exported)
    ]


def other_trainings(recipe: Recipe, seeds: range, epochs: int | None = None) -> list[Graph]:
    recipes = [attrs.evolve(recipe, seed=seed) for seed in seeds]
    with threadpool_limits(1):  # of BLAS: these are small, and sums come out in one order
        return [
            to_graph(each, train(each, DIGITS.train_images, DIGITS.train_labels, epochs))
            for each in recipes
        ]


@pytest.mark.slow
@pytest.mark.timeout(300)  # 20 s on a machine that does nothing else
@pytest.mark.parametrize(
    ("recipe", "seeds", "epochs"), [(MLP, range(3), None), (CNN, range(1), 20)], ids=["mlp", "cnn"]
)
def test_it_recovers_half_of_the_accuracy_that_int4_weights_lose(
    recipe: Recipe, seeds: range, epochs: int | None
) -> None:
    """Of the bundled CNN, PTQ to int4 loses none on the test images; of other trainings of the same
    network, and of the MLP, it does. `benchmarks.quantization_training` has more of both."""
    found = [learn(graph) for graph in other_trainings(recipe, seeds, epochs)]
    exact, ptq, exported = np.mean([accuracies(each) for each in found], axis=0)
    assert exact - ptq > 0.005, "nothing to recover: choose other trainings"
    assert exact - exported <= (1 - RECOVERED) * (exact - ptq)


@pytest.mark.slow
def test_the_bundled_cnn() -> None:
    """Its accuracy stays float's within a point, its outputs come closer, and what was trained is
    what is exported."""
    outputs = learn(load_model(EXAMPLES / "digits_cnn.onnx"))
    exact, _, exported = accuracies(outputs)
    assert exported >= exact - 0.01
    before, after = (mean_error(each, outputs.exact) for each in (outputs.ptq, outputs.exported))
    assert after < 0.75 * before
    assert outputs.agreement(1) >= ONE_STEP_SHARE


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("digits")
    digits.write_training_data(DIGITS, path)
    return path


def request(data: Path, **changes: object) -> QatRequest:
    values = {
        "model": EXAMPLES / "digits_mlp.onnx",
        "data": data,
        "labels": None,
        "samples": None,
        "precision": "int4",
        "options": QatOptions(epochs=2),
    }
    return QatRequest(**(values | changes))


def test_the_report_has_all_four_side_by_side(folder: Path) -> None:
    said: list[str] = []
    result = quantize_aware(request(folder), said.append)
    report = result.report
    assert list(report["hold_out"]) == ["float", "ptq", "fake_quantized", "exported"]
    for figures in report["hold_out"].values():
        assert 0.9 < figures["accuracy"] <= 1
    training = report["training"]
    assert training["learned_from"] == "labels and float outputs"
    counts = [training[f"{part}_count"] for part in ("train", "validation", "hold_out")]
    assert sum(counts) == len(DIGITS.train_images)
    assert [each["number"] for each in training["history"]] == [0, 1, 2]
    losses = [each["validation_loss"] for each in training["history"]]
    assert training["best_epoch"] == int(np.argmin(losses))
    assert report["agreement"]["within_one_step"] >= ONE_STEP_SHARE
    assert len([line for line in said if line.startswith("epoch ")]) == 3
    assert report["quantized_bytes"] == len(result.tflite) < report["float_bytes"]


def test_the_same_seed_writes_the_same_file(folder: Path) -> None:
    first, second = (quantize_aware(request(folder)).tflite for _ in range(2))
    assert first == second


def test_without_labels_the_float_model_teaches_and_the_notes_say_so(tmp_path: Path) -> None:
    np.save(tmp_path / "images.npy", DIGITS.train_images[:600])
    result = quantize_aware(request(tmp_path, precision="int8"))
    assert any("no labels.npy beside the samples" in note for note in result.notes)
    assert result.report["training"]["learned_from"] == "float outputs"
    for figures in result.report["hold_out"].values():
        assert figures["accuracy"] is None
        assert figures["same_class"] > 0.95
