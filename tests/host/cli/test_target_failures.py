"""Bad input to profile, quantize and target: one sentence that names what is wrong."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.host.cli.conftest import HostCommand
from tests.host.targeting.test_vector import NINE
from tests.support.pc_agent import ROOT

MLP = ROOT / "examples" / "digits_mlp.onnx"
INT8 = ROOT / "examples" / "digits_mlp_int8.tflite"


def refused(host_here: HostCommand, code: int, message: str, *arguments: object) -> None:
    """One sentence on stderr, and a hint at most; nothing on stdout."""
    done = host_here(*arguments)
    assert done.returncode == code, done.stderr
    errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1
    assert message in errors[0]
    assert "this is a bug" not in errors[0]
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "name a model or its --profile"),
        ([MLP, "--profile", "p.json"], "one of them"),
        (["--profile", "p.json"], "p.json: No such file"),
        (["--profile", "p.json", "--calibration-data", "x"], "--calibration-data is for"),
        (["nothing.onnx"], "nothing.onnx: No such file"),
        ([MLP, "--include", "pdp11"], "unknown board 'pdp11'"),
        ([MLP, "--port", "pico"], "--port pico: not of the form ID=DEV"),
        ([MLP, "--port", "=/dev/ttyACM0"], "not of the form ID=DEV"),
        ([MLP, "--port", "pico="], "not of the form ID=DEV"),
        ([MLP, "--port", "pdp11=/dev/ttyACM0"], "unknown board 'pdp11'"),
        ([MLP, "--port", "pico=/a", "--port", "pico=/b"], "pico is at /a already"),
        ([MLP, "--tolerance", "inf"], "--tolerance inf: not a finite number"),
        ([MLP, "--latency-budget-ms", "inf"], "--latency-budget-ms inf: not a finite number"),
        ([MLP, "--devices", "nowhere"], "nowhere: no such folder"),
        ([MLP, "--output", "nowhere/t.json"], "nowhere/t.json: cannot be written"),
    ],
)
def test_requests(host_here: HostCommand, arguments: list[object], message: str) -> None:
    refused(host_here, 2, message, "target", *arguments, "--no-history")


def test_wrong_ports_come_with_a_hint(host_here: HostCommand) -> None:
    done = host_here("target", MLP, "--port", "pico", "--no-history")
    assert "hint: as in pico=/dev/ttyACM0" in done.stderr


def test_a_port_that_is_not_there(host_here: HostCommand) -> None:
    done = host_here("target", MLP, "--port", "pico=/dev/ttyNone7", "--no-history")
    assert done.returncode == 5
    assert "error: there is no port /dev/ttyNone7\nhint: " in done.stderr


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (json.dumps({k: v for k, v in NINE.items() if k != "flops"}), "'flops' is a required"),
        (json.dumps({**NINE, "peak_ram_kb": "148"}), "peak_ram_kb: '148' is not of type 'number'"),
        (json.dumps({**NINE, "int8_error_mean": float("nan")}), "holds NaN"),
        (json.dumps({**NINE, "peak_ram_kb": 1}).replace(": 1,", ": 1e999,"), "holds 1e999"),
        (json.dumps({**NINE, "details": {"candidates": 5}}), "details.candidates: 5 is not"),
        ("[" * 100_000, "profile.json: "),
        ("{", "line 1"),
    ],
    ids=["missing", "type", "nan", "infinite", "details", "deep", "json"],
)
def test_profiles(host_here: HostCommand, tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "profile.json"
    path.write_text(text)
    refused(host_here, 2, message, "target", "--profile", path, "--no-history")


def test_a_profile_whose_model_is_gone(host_here: HostCommand, tmp_path: Path) -> None:
    path = tmp_path / "profile.json"
    details = {
        "model": {"path": str(tmp_path / "gone.onnx"), "sha256": "ab" * 32},
        "candidates": {"int8": "cd" * 32},
        "calibration": {"source": "synthetic"},
    }
    path.write_text(json.dumps({**NINE, "details": details}))
    done = host_here("target", "--profile", path, "--no-history")
    assert done.returncode == 0
    assert "gone.onnx, which is gone or has changed: nothing can be measured" in done.stderr
    assert "  Model: gone.onnx\n" in done.stdout
    assert "Estimated latency" in done.stdout


def test_a_broken_board_of_the_users_own(host_here: HostCommand, tmp_path: Path) -> None:
    path = tmp_path / "mine" / "profile.json"
    path.parent.mkdir()
    arguments = ("target", MLP, "--devices", tmp_path, "--no-history")
    path.write_text("{")
    refused(host_here, 2, f"{path}: line 1", *arguments)
    pico = json.loads((ROOT / "devices" / "pico" / "profile.json").read_text())
    path.write_text(json.dumps({**pico, "id": "mine", "rank": None, "ram_mb": "a lot"}))
    refused(host_here, 2, f"{path}: ram_mb", *arguments)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.zeros((5, 7)), "has shape [5, 7]; a sample of this model is [1, 64]"),
        (np.full((5, 64), np.nan), "sample 0 holds NaN"),
        (None, "the folder holds no samples"),
    ],
    ids=["shape", "nan", "empty"],
)
@pytest.mark.parametrize(
    ("name", "option"), [("profile", "--calibration-data"), ("quantize", "--calibration")]
)
def test_calibration_data(
    host_here: HostCommand,
    tmp_path: Path,
    values: np.ndarray | None,
    message: str,
    name: str,
    option: str,
) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    if values is not None:
        np.save(folder / "x.npy", values)
    refused(host_here, 2, message, name, MLP, option, folder, "--output", tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["profile"], 2, "no model"),
        (["profile", MLP, "--model", MLP], 2, "give one"),
        (["profile", MLP, "--output", "nowhere/p.json"], 2, "nowhere/p.json: cannot be written"),
        (["profile", MLP, "--measure", "pico="], 2, "--measure pico=: not of the form ID=DEV"),
        (["profile", MLP, "--measure", "pdp11"], 2, "unknown board 'pdp11'"),
        (["quantize", MLP, "--report", "nowhere/r.json"], 2, "cannot be written"),
        (["quantize", INT8], 4, "is quantized already"),
    ],
)
def test_profile_and_quantize(
    host_here: HostCommand, arguments: list[object], code: int, message: str
) -> None:
    refused(host_here, code, message, *arguments)


def test_a_file_that_is_no_model(host_here: HostCommand, tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    path.write_bytes(b"not a model")
    refused(host_here, 4, "m.onnx", "target", path, "--no-history")
    refused(host_here, 4, "m.onnx", "profile", path)
