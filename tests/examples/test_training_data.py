"""The digits as training data: what the command writes, and that the test images are not in it."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from examples.training import data
from host.distillation.training.data import read_training_data
from host.models import load_model
from tests.support.make import ROOT


def test_it_writes_what_training_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "new" / "digits"
    monkeypatch.setattr(sys, "argv", ["data", str(folder)])
    data.main()
    assert capsys.readouterr().out == f"{folder}: 1437 images with labels\n"
    found = read_training_data(folder, load_model(ROOT / "examples" / "digits_cnn.onnx"))
    assert len(found) == 1437
    assert sorted(set(found.labels)) == list(range(10))
    tests = np.load(ROOT / "examples" / "test" / "images.npy")
    shown = {image.tobytes() for image in found.inputs[0]}
    assert sum(image.tobytes() in shown for image in tests) == 0
