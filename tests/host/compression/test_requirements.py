"""``host target`` reads the requirement vector of what was made, and finds what was measured."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="torch is an extra and not installed here: '.[train]'")

from host.evidence import History, Query
from host.measurement.measure import MeasureRequest, run_measurement
from host.measurement.observer import Silent
from tests.host.compression.conftest import CNN
from tests.support.make import ROOT

MLP = ROOT / "examples" / "digits_mlp.onnx"


@pytest.mark.parametrize(
    ("command", "precision", "board"),
    [
        (("quantize", MLP, "--mode", "qat", "--epochs", 1, "--train-data"), "int8", "uno"),
        (
            (
                "quantize",
                MLP,
                "--mode",
                "qat",
                "--epochs",
                1,
                "--precision",
                "int4",
                "--train-data",
            ),
            "int4",
            "pico",
        ),
        (
            (
                *("distill", CNN, "--mode", "distill", "--student-arch", "mlp", "--target", "uno"),
                *("--epochs", 4, "--tolerance", 0.2, "--no-history", "--operational-data"),
            ),
            "int8",
            "uno",
        ),
    ],
    ids=["qat", "qat-int4", "distill"],
)
def test_target_agrees_with_what_was_measured(
    command: tuple[object, ...],
    precision: str,
    board: str,
    digits: Path,
    tmp_path: Path,
    cli: Callable[..., int],
) -> None:
    model, profile, declared = (tmp_path / name for name in ("m.tflite", "p.json", "t.json"))
    assert cli(*command, digits, "--output", model, "--profile", profile) == 0
    vector = json.loads(profile.read_text())
    error = vector[f"{precision}_error_mean"]
    assert 0 < error < 0.2
    history = tmp_path / "h.db"
    limits = ("--tolerance", 0.2, "--no-farm", "--history", history)
    assert cli("target", "--profile", profile, *limits, "--output", declared) == 0
    target = json.loads(declared.read_text())
    assert (target["target"], target["precision"]) == (board, precision)
    alone = run_measurement(MeasureRequest(model=model, board=board), Silent()).record
    with History.open(str(history)) as kept:
        (record,) = kept.find(Query(board_id=board))
    assert record.output.crc32 == alone.output.crc32
    assert record.memory.arena_bytes == alone.memory.arena_bytes
    assert record.candidate.plan_crc32 == alone.candidate.plan_crc32


def test_of_a_pruned_model(digits: Path, tmp_path: Path, cli: Callable[..., int]) -> None:
    model, profile, report = (tmp_path / name for name in ("m.onnx", "p.json", "r.json"))
    command = ("distill", CNN, "--structured", "--epochs", 0, "--fine-tune-data", digits)
    outputs = ("--output", model, "--profile", profile, "--report", report, "--no-history")
    assert cli(*command, *outputs) == 0
    vector, told = json.loads(profile.read_text()), json.loads(report.read_text())
    assert vector["peak_ram_kb"] == told["board"]["after"]["arena_bytes"] / 1024
    assert vector["details"]["macs"] == told["board"]["after"]["macs"]
