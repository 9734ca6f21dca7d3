"""``host compress``: the stages that a board calls for, each measured there."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is an extra and not installed here: '.[train]'")

from host.evidence import History, Query
from protocol.measurement import Verdict
from tests.host.compression.conftest import CNN

SEEDS = 5


@pytest.fixture(scope="module")
def on_uno(digits: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of what ``host compress --target uno`` makes of a CNN that does not fit."""
    from host.cli import main

    folder = tmp_path_factory.mktemp("compressed")
    arguments = ["compress", CNN, "--target", "uno", "--data", digits, "--seeds", SEEDS]
    options = ["--student-epochs", 5, "--output", folder / "uno", "--history", folder / "h.db"]
    # A student of five epochs is a poor one; what is shown here needs no better.
    options += ["--tolerance", 0.06]
    with pytest.raises(SystemExit) as stopped:
        main([str(argument) for argument in (*arguments, *options)])
    assert not stopped.value.code
    return folder / "uno"


def report_of(folder: Path) -> dict[str, Any]:
    report: dict[str, Any] = json.loads((folder / "compression.json").read_text())
    return report


def test_becomes_a_student_for_the_uno(on_uno: Path) -> None:
    report = report_of(on_uno)
    assert report["stages"] == ["distill", "quantize"]
    plain, student = report["attempts"][0], report["attempts"][-1]
    assert plain["stages"] == ["quantize"]
    lacked = {check["name"] for check in plain["checks"] if check["status"] == "failed"}
    assert lacked == {"ram", "storage"}
    assert student["output"] == "exact"
    assert student["latency"]["source"] == "emulated"
    assert student["latency"]["fidelity"] == "cycle"
    assert sorted(path.name for path in on_uno.iterdir()) == [
        "compression.html",
        "compression.json",
        "digits_cnn_uno.tflite",
        "digits_cnn_uno_float.tflite",
        "profile.json",
    ]


def test_seeds_stand_beside_the_teacher(on_uno: Path) -> None:
    report = report_of(on_uno)
    assert report["original"]["accuracy"] > 0.97
    comparison = report["attempts"][-1]["details"]["comparison"]
    for key in ("with_teacher", "without_teacher"):
        assert comparison[key]["metric"] == "accuracy"
        assert len(comparison[key]["values"]) == SEEDS
        assert all(value > 0.7 for value in comparison[key]["values"])
        assert comparison[key]["stdev"] > 0


def test_target_agrees(on_uno: Path, tmp_path: Path, cli: Callable[..., int]) -> None:
    """What ``host target`` reads of the new requirement vector is what was measured."""
    history, declared = tmp_path / "h.db", tmp_path / "target.json"
    arguments = ("target", "--profile", on_uno / "profile.json", "--tolerance", 0.06)
    assert cli(*arguments, "--no-farm", "--history", history, "--output", declared) == 0
    target, report = json.loads(declared.read_text()), report_of(on_uno)
    assert target["target"] == "uno"
    assert target["precision"] == report["precision"]
    after = report["after"]
    assert target["evidence"]["median_ms"] == pytest.approx(after["latency"]["median_ms"], rel=0.01)
    with History.open(str(history)) as kept:
        record = kept.find(Query(board_id="uno"))[0]
    assert record.output.verdict is Verdict.EXACT
    assert record.memory.arena_bytes == after["arena_bytes_measured"]
    assert record.candidate.plan_bytes == after["plan_bytes"]
    error = next(c for c in report["attempts"][-1]["checks"] if c["name"] == "quantization")
    uno = next(device for device in target["devices"] if device["id"] == "uno")
    assert error["text"] in [check["text"] for check in uno["sites"][0]["checks"]]


def compressed(cli: Callable[..., int], digits: Path, folder: Path, *options: object) -> int:
    history = ("--history", folder / "h.db")
    base = ("compress", "--model", CNN, "--data", digits, "--output", folder / "out")
    return cli(*base, *history, *options)


def test_what_fits_is_quantized_and_no_more(
    digits: Path, tmp_path: Path, cli: Callable[..., int]
) -> None:
    assert compressed(cli, digits, tmp_path, "--target", "pico") == 0
    report = report_of(tmp_path / "out")
    assert report["stages"] == ["quantize"]
    assert len(report["attempts"]) == 1
    assert report["after"]["output"] == "exact"


def test_prunes_for_a_latency(digits: Path, tmp_path: Path, cli: Callable[..., int]) -> None:
    budget = ("--latency-budget-ms", 12, "--epochs", 2, "--tolerance", 0.06)
    assert compressed(cli, digits, tmp_path, "--target", "pico", *budget) == 0
    report = report_of(tmp_path / "out")
    assert report["stages"] == ["prune", "quantize"]
    assert report["before"]["latency"]["high_ms"] > 12
    assert report["after"]["latency"]["high_ms"] <= 12
    assert report["after"]["parameters"] < report["before"]["parameters"]
    assert report["after"]["output"] == "exact"


def test_trains_where_the_error_alone_is_too_large(
    digits: Path, tmp_path: Path, cli: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    """It fits: neither pruning nor a student could bring the error down."""
    options = ("--tolerance", 1e-6, "--epochs", 1)
    assert compressed(cli, digits, tmp_path, "--target", "pico", *options) == 3
    told = capsys.readouterr().err
    assert "post-training quantization (int8): int8 error" in told
    assert "quantization-aware training to int8 (int8): int8 error" in told
    assert "pruned" not in told
    assert "teaching" not in told
    assert not (tmp_path / "out").exists()


def test_only_the_stages_allowed(digits: Path, tmp_path: Path, cli: Callable[..., int]) -> None:
    options = ("--target", "uno", "--stage", "quantize", "--stage", "prune")
    assert compressed(cli, digits, tmp_path, *options) == 3
    assert not (tmp_path / "out").exists()


def test_a_budget_that_no_student_meets(
    digits: Path, tmp_path: Path, cli: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    options = ("--target", "uno", "--latency-budget-ms", 0.01, "--stage", "distill")
    assert compressed(cli, digits, tmp_path, *options) == 3
    told = capsys.readouterr().err
    assert "no student fits" in told
    assert "no mlp meets the budget: the smallest" in told
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda folder: (folder / "labels.npy").write_bytes(b"\x93NUMPY"), "cannot be read"),
        (lambda folder: np.save(folder / "labels.npy", np.zeros(3, np.int64)), "3 labels"),
        (
            lambda folder: np.save(
                folder / "labels.npy", np.load(folder / "labels.npy").clip(0, 8)
            ),
            "no sample of class 9",
        ),
    ],
)
def test_bad_data(
    spoil: Callable[[Path], None],
    reason: str,
    digits: Path,
    tmp_path: Path,
    cli: Callable[..., int],
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    for name in ("images.npy", "labels.npy"):
        (folder / name).write_bytes((digits / name).read_bytes())
    spoil(folder)
    assert compressed(cli, folder, tmp_path, "--target", "uno") == 2
    assert reason in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_fewer_samples_than_asked(
    digits: Path, tmp_path: Path, cli: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert compressed(cli, digits, tmp_path, "--target", "uno", "--samples", 5000) == 2
    assert "5000 were asked for" in capsys.readouterr().err


def test_an_unknown_board(
    digits: Path, tmp_path: Path, cli: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert compressed(cli, digits, tmp_path, "--target", "nano") == 2
    assert "unknown board 'nano'" in capsys.readouterr().err
