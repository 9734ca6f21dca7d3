"""What the report says of a gain, and where its latencies come from."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest

from host.cli import main
from host.compression.footprint import Gain, footprint, plan_site
from host.compression.pruning_report import verdict
from host.errors import ConfigError
from host.models import load_model
from host.models.tflite_importer import import_tflite
from tests.support.make import ROOT

EXAMPLES = ROOT / "examples"
CNN = (EXAMPLES / "digits_cnn_int8.tflite").read_bytes()
COMMAND = ("distill", str(EXAMPLES / "digits_mlp.onnx"), "--fine-tune-data", str(EXAMPLES / "test"))


@pytest.mark.parametrize(
    ("gain", "structured", "words"),
    [
        (Gain(ram=0.5, flash=0.6, latency=0.7), True, ["RAM fell by 50%", "latency fell by 70%"]),
        (Gain(ram=0.5, flash=-0.1, latency=None), True, ["flash rose by 10%", "is not known"]),
        (Gain(ram=0.0, flash=0.0, latency=0.0), False, ["Neither RAM nor latency", "--structured"]),
        (Gain(ram=0.0, flash=0.2, latency=0.004), False, ["Neither", "--structured"]),
        (Gain(ram=0.0, flash=0.0, latency=None), False, ["RAM did not fall", "--structured"]),
        (Gain(ram=0.0, flash=0.0, latency=0.0), True, ["Neither", "raise --sparsity"]),
    ],
)
def test_the_verdict_says_what_fell_and_what_to_do(
    gain: Gain, structured: bool, words: list[str]
) -> None:
    text = verdict(gain, structured=structured)
    assert all(word in text for word in words)


def test_a_board_that_cannot_be_started_is_foretold_and_that_is_said() -> None:
    found = footprint(CNN, "digits", plan_site("nucleo_g0b1re"))
    assert found.latency is not None
    assert found.to_dict()["latency_evidence"]["source"] == "simulated"
    assert found.latency.low_ms is not None
    assert found.latency.high_ms is not None
    assert found.latency.low_ms < found.latency.median_ms < found.latency.high_ms


def test_a_model_that_does_not_fit_the_board_has_the_reason_beside_it() -> None:
    found = footprint(CNN, "digits", plan_site("uno"))
    assert found.note is not None
    assert "bytes" in found.note
    json.dumps(found.to_dict())


def test_an_unknown_board_is_refused() -> None:
    with pytest.raises(ConfigError, match="unknown board 'pyco'"):
        plan_site("pyco")


def test_without_torch_it_prunes_without_training_and_says_what_training_needs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: None if name == "torch" else find(name)
    )
    output = tmp_path / "pruned.tflite"
    options = ("--no-history", "--target", "nucleo_g0b1re", "--output", str(output), "--structured")
    with pytest.raises(SystemExit) as stopped:
        main([*COMMAND, *options])
    assert stopped.value.code == 2
    assert ".[train]" in capsys.readouterr().err
    assert not output.exists()
    with pytest.raises(SystemExit) as stopped:
        main([*COMMAND, *options, "--epochs", "0", "--json"])
    assert stopped.value.code == 0
    report = json.loads(capsys.readouterr().out)
    assert report["accuracy"]["after_pruning"] == report["accuracy"]["after_fine_tuning"]
    assert report["parameters"]["after"] < 0.6 * report["parameters"]["before"]
    graph = import_tflite(output.read_bytes(), "pruned")
    assert sum(t.elements for t in graph.tensors if t.data is not None) >= 1
    shapes = [graph.tensors[index].shape for index in (*graph.inputs, *graph.outputs)]
    source = load_model(EXAMPLES / "digits_mlp.onnx")
    assert shapes == [source.tensors[index].shape for index in (*source.inputs, *source.outputs)]
