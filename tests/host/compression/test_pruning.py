"""Pruning for real: trained on digits, judged on others, measured on the emulated Pico."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import onnxruntime
import pytest

pytest.importorskip("torch", reason="torch is an extra and not installed here: '.[train]'")

from examples.training import data
from host.cli import main
from host.compression.pruning import PruneRequest, PruneResult, prune_model
from host.distillation.pruning.by_channel import Importance
from host.distillation.pruning.magnitude import prunable_layers
from host.evidence import History, Query
from host.models import load_model
from tests.support.make import ROOT
from tests.support.models import published_model

MODEL = ROOT / "examples" / "digits_cnn.onnx"
IMAGES = np.load(ROOT / "examples" / "test" / "images.npy")
LABELS = np.load(ROOT / "examples" / "test" / "labels.npy")
"""Seen by no training, neither the model's own nor the one after pruning."""


@pytest.fixture(scope="module")
def train_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("train")
    digits = data.load()
    np.save(folder / "images.npy", digits.train_images)
    np.save(folder / "labels.npy", digits.train_labels)
    return folder


def cli(*arguments: object) -> int:
    with pytest.raises(SystemExit) as stopped:
        main([str(argument) for argument in arguments])
    return int(stopped.value.code or 0)


@pytest.fixture(scope="module")
def structured(
    train_data: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, dict[str, Any]]:
    """The command itself, as the README has it."""
    folder = tmp_path_factory.mktemp("structured")
    output, report = folder / "pruned.onnx", folder / "report.json"
    command = ("distill", "--model", MODEL, "--mode", "prune", "--sparsity", "0.5")
    options = ("--structured", "--fine-tune-data", train_data, "--report", report)
    kept = ("--history", folder / "history.sqlite")
    assert cli(*command, *options, *kept, "--output", output) == 0
    with History.open(str(folder / "history.sqlite")) as history:
        boards = [record.board.id for record in history.find(Query())]
    assert boards == ["pico", "pico"]
    return output, json.loads(report.read_text())


def right(outputs: np.ndarray[Any, Any]) -> float:
    return float((outputs.argmax(axis=1) == LABELS).mean())


def by_onnxruntime(model: Path) -> np.ndarray[Any, Any]:
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    images = IMAGES.transpose(0, 3, 1, 2)
    return np.concatenate([session.run(None, {name: image[np.newaxis]})[0] for image in images])


def test_half_of_the_channels_cost_two_points_and_save_a_third(
    structured: tuple[Path, dict[str, Any]],
) -> None:
    output, report = structured
    assert right(by_onnxruntime(output)) >= right(by_onnxruntime(MODEL)) - 0.02
    saved = report["board"]["saved"]
    assert saved["ram"] >= 0.35
    assert saved["latency"] >= 0.35
    assert saved["flash"] >= 0.35
    assert report["removed_share"] == pytest.approx(0.5, abs=0.05)
    for figures in (report["board"]["before"], report["board"]["after"]):
        evidence = figures["latency_evidence"]
        assert (evidence["source"], evidence["fidelity"]) == ("emulated", "cycle")
        assert figures["note"] is None
    assert report["verdict"].startswith("RAM fell by ")


def test_the_report_is_of_the_model_that_was_written(
    structured: tuple[Path, dict[str, Any]],
) -> None:
    output, report = structured
    graph = load_model(output)
    parameters = sum(t.elements for t in graph.tensors if t.data is not None)
    assert report["parameters"]["after"] == parameters
    layers = report["layers"]
    shapes = [list(graph.tensors[layer.tensor].shape) for layer in prunable_layers(graph)]
    assert [layer["shape_after"] for layer in layers] == shapes
    assert report["accuracy"]["metric"] == "top-1"
    assert report["accuracy"]["after_pruning"] < report["accuracy"]["after_fine_tuning"]
    counts = [report["data"][f"{part}_count"] for part in ("train", "validation", "hold_out")]
    assert sum(counts) == 1437
    assert counts[2] == report["accuracy"]["samples"]


@pytest.fixture(scope="module")
def unstructured(train_data: Path) -> PruneResult:
    return prune_model(PruneRequest(model=MODEL, data=train_data, epochs=6, samples=700))


def test_half_of_the_weights_save_nothing_and_the_report_says_so(unstructured: PruneResult) -> None:
    report = unstructured.report
    board = report["board"]
    assert board["after"]["arena_bytes"] == board["before"]["arena_bytes"]
    assert abs(board["saved"]["latency"]) < 0.01
    assert report["verdict"].startswith("Neither RAM nor latency fell")
    assert "--structured" in report["verdict"]
    assert report["removed_share"] == pytest.approx(0.5, abs=0.01)
    accuracy = report["accuracy"]
    assert accuracy["after_fine_tuning"] >= accuracy["before"] - 0.02


def test_weights_that_were_pruned_stay_zero_through_fine_tuning(unstructured: PruneResult) -> None:
    sparsities = {layer["name"]: layer["sparsity"] for layer in unstructured.report["layers"]}
    graph = unstructured.graph
    for layer in prunable_layers(graph):
        weights = graph.tensors[layer.tensor].data
        assert weights is not None
        assert float((weights == 0).mean()) == pytest.approx(sparsities[layer.name])
        assert 0.2 < sparsities[layer.name] < 0.8
    before = load_model(MODEL).tensors[prunable_layers(graph)[0].tensor].data
    assert not np.array_equal(graph.tensors[prunable_layers(graph)[0].tensor].data, before)


def test_channels_by_what_the_loss_says_of_them(train_data: Path) -> None:
    request = PruneRequest(
        model=MODEL,
        data=train_data,
        structured=True,
        importance=Importance.TAYLOR,
        epochs=0,
        samples=400,
        sparsity=0.25,
        target="nucleo_g0b1re",
    )
    report = prune_model(request).report
    assert report["importance"] == "taylor"
    by_norm = prune_model(attrs.evolve(request, importance=Importance.L1)).report
    # Before any training, what the loss says costs less than what the norms say.
    first, second = report["accuracy"], by_norm["accuracy"]
    assert first["before"] == second["before"]
    assert first["after_pruning"] >= second["after_pruning"]


def test_a_regression_whose_samples_are_in_order(tmp_path: Path) -> None:
    """Ranges and sensitivity are learned of all of them, not of the first ones."""
    x = np.linspace(0, 2 * np.pi, 800, dtype=np.float32).reshape(-1, 1)
    np.save(tmp_path / "x.npy", x)
    np.save(tmp_path / "labels.npy", np.sin(x))
    request = PruneRequest(
        model=published_model("hello_world_float"),
        data=tmp_path,
        sparsity=0.3,
        epochs=4,
        target="nucleo_g0b1re",
    )
    accuracy = prune_model(request).report["accuracy"]
    assert accuracy["metric"] == "mean absolute error"
    assert accuracy["before"] < 0.03
    assert accuracy["int8_before"] < 0.05
    assert accuracy["after_fine_tuning"] < accuracy["after_pruning"]


def test_the_same_request_gives_the_same_model(train_data: Path) -> None:
    request = PruneRequest(
        model=MODEL, data=train_data, structured=True, epochs=1, samples=200, target="nucleo_g0b1re"
    )
    one, other = (prune_model(request).graph for _ in range(2))
    for first, second in zip(one.tensors, other.tensors, strict=True):
        if first.data is not None:
            np.testing.assert_array_equal(first.data, second.data)
