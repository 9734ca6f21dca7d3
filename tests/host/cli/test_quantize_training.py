"""``host quantize --mode qat``: its model is exact on boards; what it cannot use it names."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path

import numpy as np
import pytest

from examples.training import data as digits
from protocol.measurement import Measurement
from tests.host.cli.conftest import HostCommand
from tests.support.make import ROOT

needs_torch = pytest.mark.skipif(
    importlib.util.find_spec("torch") is None,
    reason="torch is an extra and not installed here: pip install '.[train]'",
)
CNN = ROOT / "examples" / "digits_cnn.onnx"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("digits")
    digits.write_training_data(digits.load(), path)
    return path


@needs_torch
@pytest.mark.slow
@pytest.mark.parametrize("precision", ["int8", "int4"])
def test_what_was_trained_runs_exact_here_and_on_the_emulated_pico(
    host: HostCommand, folder: Path, tmp_path: Path, precision: str
) -> None:
    written, report = tmp_path / "m.tflite", tmp_path / "report.json"
    done = host(
        *("quantize", CNN, "--mode", "qat", "--precision", precision, "--train-data", folder),
        *("--samples", 200, "--epochs", 1, "--output", written, "--report", report),
    )
    assert done.returncode == 0, done.stderr
    assert "epoch 1 of 1: validation loss" in done.stderr
    for row in ("float ", "before training (ptq)", "after, fake-quantized", "after, exported"):
        assert row in done.stdout
    assert json.loads(report.read_text())["agreement"]["within_one_step"] >= 0.99
    for board in (("--board", "pc"), ("--board", "pico", "--flash-model", "zero-wait")):
        done = host("measure", written, *board, "--iterations", 1, "--warmup", 0, "--json")
        assert done.returncode == 0, done.stderr
        assert Measurement.from_json(done.stdout).output.verdict == "exact"


def refused(host_here: HostCommand, tmp_path: Path, *arguments: object) -> str:
    """The error; and nothing has been written."""
    before = sorted(tmp_path.rglob("*"))
    written = tmp_path / "m.tflite"
    done = host_here("quantize", CNN, "--mode", "qat", *arguments, "--output", written)
    assert done.returncode == 2, done.stderr
    assert sorted(tmp_path.rglob("*")) == before
    return done.stderr


@needs_torch
def test_data_that_cannot_be_used(host_here: HostCommand, folder: Path, tmp_path: Path) -> None:
    images = np.load(folder / "images.npy")[:100]
    np.save(tmp_path / "images.npy", images)
    data = ("--train-data", tmp_path)
    np.save(tmp_path / "labels.npy", np.zeros(100, np.int64))
    assert "no sample of class 1, 2, " in refused(host_here, tmp_path, *data)
    np.save(tmp_path / "labels.npy", np.zeros(99, np.int64))
    assert "100 samples and 99 labels" in refused(host_here, tmp_path, *data)
    (tmp_path / "labels.npy").unlink()
    asked = refused(host_here, tmp_path, *data, "--samples", 101)
    assert "holds 100 samples; 101 were asked for" in asked
    missing = refused(host_here, tmp_path, *data, "--labels", tmp_path / "l.npy")
    assert "l.npy: cannot be read" in missing
    np.save(tmp_path / "images.npy", images[:, :4])
    assert "has shape [100, 4, 8, 1]; a sample of this model" in refused(host_here, tmp_path, *data)


def test_options_of_the_other_mode(host_here: HostCommand, folder: Path, tmp_path: Path) -> None:
    assert "--train-data DIR is missing" in refused(host_here, tmp_path)
    both = refused(host_here, tmp_path, "--train-data", folder, "--calibration", folder)
    assert "--calibration belongs to --mode ptq; this is --mode qat" in both
    done = host_here("quantize", CNN, "--train-data", folder)
    assert done.returncode == 2
    assert "--train-data belongs to --mode qat; this is --mode ptq" in done.stderr


def test_without_torch_it_says_what_to_install(
    host_here: HostCommand, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)  # as if it were not there
    said = refused(host_here, tmp_path, "--train-data", folder)
    assert "training needs torch, which is not installed here" in said
    assert "pip install '.[train]'" in said
