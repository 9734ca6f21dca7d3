"""What cannot be pruned is refused with the reason, before anything is written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from host.cli import main
from tests.support.make import ROOT

MODEL = ROOT / "examples" / "digits_cnn.onnx"
TEST = ROOT / "examples" / "test"
IMAGES = np.load(TEST / "images.npy")
LABELS = np.load(TEST / "labels.npy")


def save(folder: Path, images: object, labels: object = None) -> Path:
    folder.mkdir(exist_ok=True)
    np.save(folder / "images.npy", images)
    if labels is not None:
        np.save(folder / "labels.npy", labels)
    return folder


def without_a_class(folder: Path) -> Path:
    return save(folder, IMAGES[LABELS != 3], LABELS[LABELS != 3])


CASES: dict[str, tuple[Callable[[Path], Path], tuple[str, ...], int, str]] = {
    "no labels": (lambda f: save(f, IMAGES), (), 2, "holds no labels"),
    "fewer samples than asked": (
        lambda f: save(f, IMAGES, LABELS),
        ("--samples", "5000"),
        2,
        "360 samples; 5000 were asked for",
    ),
    "fewer labels than samples": (
        lambda f: save(f, IMAGES, LABELS[:100]),
        (),
        2,
        "360 samples and 100 labels",
    ),
    "a class absent": (without_a_class, (), 2, "no sample of class 3"),
    "a label of no class": (lambda f: save(f, IMAGES, LABELS + 5), (), 2, "0 to 9"),
    "another model's samples": (lambda f: save(f, IMAGES[:, :4], LABELS), (), 2, "has shape"),
    "no such folder": (lambda f: f / "missing", (), 2, "no such file or folder"),
    "nothing to be left": (
        lambda f: save(f, IMAGES, LABELS),
        ("--sparsity", "1"),
        2,
        "a share between 0 and 1",
    ),
    "no such board": (
        lambda f: save(f, IMAGES, LABELS),
        ("--target", "pyco"),
        2,
        "unknown board 'pyco'",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_bad_data_is_refused_and_nothing_is_written(
    case: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make, options, code, message = CASES[case]
    output, report = tmp_path / "pruned.onnx", tmp_path / "report.json"
    output.write_bytes(b"what was there before")
    arguments = ["distill", str(MODEL), "--fine-tune-data", str(make(tmp_path / "data"))]
    arguments += ["--output", str(output), "--report", str(report), "--no-history", *options]
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == code
    assert message in capsys.readouterr().err
    assert output.read_bytes() == b"what was there before"
    assert not report.exists()
    assert sorted(path.name for path in tmp_path.iterdir()) in (
        ["data", "pruned.onnx"],
        ["pruned.onnx"],
    )


@pytest.mark.parametrize(
    ("model", "output", "code", "message"),
    [
        ("digits_cnn_int8.tflite", "x.onnx", 4, "is quantized already"),
        ("digits_cnn.onnx", "x.pt", 2, "must end in .onnx or .tflite"),
        ("digits_cnn.onnx", "missing/x.onnx", 2, "there is no such folder"),
    ],
)
def test_what_cannot_be_read_or_written_is_said_first(
    model: str,
    output: str,
    code: int,
    message: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    arguments = ["distill", str(MODEL.parent / model), "--fine-tune-data", str(TEST)]
    with pytest.raises(SystemExit) as stopped:
        main([*arguments, "--no-history", "--output", str(tmp_path / output)])
    assert stopped.value.code == code
    assert message in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_without_data_the_command_says_what_is_needed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["distill", str(MODEL)])
    assert stopped.value.code == 2
    assert "labels.npy" in capsys.readouterr().err
