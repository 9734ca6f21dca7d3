"""``host distill --mode distill``: teachers of every kind, with labels and without."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is an extra and not installed here: '.[train]'")

from host.compression.distilling import DistillRequest, distill_model
from host.distillation import teacher as teachers
from host.distillation.inference import TfliteRunner
from host.distillation.students import Head, StudentShape, build
from host.distillation.students.teaching import TeachingOptions, reduced, scores_of
from host.distillation.teacher import Teacher
from host.distillation.training.data import TrainingData
from host.errors import ConfigError, ExitCode, NotMetError
from host.models import load_model
from host.models.graph import DType
from host.models.tflite_writer import write_float_tflite
from host.targeting.verdict import Limits
from tests.host.compression.conftest import CNN

QUICK = TeachingOptions(epochs=3)


def test_the_seed_s_command(digits: Path, tmp_path: Path, cli: Callable[..., int]) -> None:
    written, report = tmp_path / "student.tflite", tmp_path / "report.json"
    command = ("distill", "--teacher", CNN, "--student-arch", "tiny_cnn", "--mode", "distill")
    data = ("--operational-data", digits, "--target", "pico", "--epochs", 2, "--no-history")
    outputs = ("--output", written, "--report", report, "--tolerance", 0.2)
    assert cli(*command, *data, *outputs) == 0
    told = json.loads(report.read_text())
    assert told["student"]["architecture"] == "tiny_cnn"
    assert told["target"]["latency_evidence"]["source"] == "emulated"
    assert told["met"]
    assert told["data"]["labels"]
    student = load_model(written)
    assert student.tensors[student.inputs[0]].dtype is DType.INT8
    teacher = Teacher.read(CNN)
    assert student.tensors[student.inputs[0]].shape == teacher.input_shape


def test_beyond_the_tolerance(digits: Path, tmp_path: Path, cli: Callable[..., int]) -> None:
    command = ("distill", CNN, "--student-arch", "mlp", "--mode", "distill", "--target", "uno")
    data = ("--operational-data", digits, "--epochs", 1, "--tolerance", 1e-6, "--no-history")
    assert cli(*command, *data, "--output", tmp_path / "s.tflite") == 3


def a_regression(folder: Path) -> tuple[Path, Path]:
    """A teacher with three numbers for an answer, and samples without labels."""
    shape = StudentShape(
        architecture="ds_cnn",
        width=0.25,
        input_shape=(1, 16, 16, 1),
        output_shape=(1, 3),
        head=Head.NUMBERS,
    )
    model = folder / "regression.tflite"
    model.write_bytes(write_float_tflite(build(shape, 5)))
    lot = np.random.default_rng(4)
    coarse = lot.normal(size=(300, 8, 8, 1)).astype(np.float32)
    np.save(folder / "samples.npy", coarse.repeat(2, axis=1).repeat(2, axis=2))
    return model, folder / "samples.npy"


def test_regression_without_labels(tmp_path: Path) -> None:
    model, samples = a_regression(tmp_path)
    request = DistillRequest(
        teacher=model,
        architecture="tiny_cnn",
        data=samples,
        target="uno",
        options=QUICK,
        limits=Limits(tolerance=0.2),
        seeds=2,
    )
    result = distill_model(request)
    assert result.report["teacher"]["head"] == "numbers"
    assert result.report["teacher"]["accuracy"] is None
    comparison = result.report["comparison"]
    assert comparison["with_teacher"]["metric"] == "error_mean"
    assert comparison["without_teacher"] is None, "there are no labels to learn from instead"
    assert result.student.fitted.shape.input_shape == (1, 8, 8, 1), "the UNO takes no 16x16"
    judged = result.report["student"]["hold_out"]
    assert judged["relative_mean"] < 0.2
    assert result.report["error"] == judged["relative_mean"], "of the range: it is not 0..1"


def test_no_student_meets_the_budget(digits: Path) -> None:
    request = DistillRequest(
        teacher=CNN,
        architecture="mobilenetv3_small",
        data=digits,
        target="uno",
        options=QUICK,
    )
    with pytest.raises(NotMetError, match="lacks MEAN, MUL") as caught:
        distill_model(request)
    assert caught.value.exit_code is ExitCode.NOT_MET


def test_a_teacher_is_asked_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model, samples = a_regression(tmp_path)
    teacher = Teacher.read(model)
    given = np.load(samples)[:40].reshape(-1, 1, 16, 16, 1)
    first = teacher.outputs(given)
    np.testing.assert_allclose(
        first, TfliteRunner(model.read_bytes()).run_all(given), rtol=1e-4, atol=1e-5
    )

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the teacher was asked again")

    with monkeypatch.context() as patch:
        patch.setattr(teachers, "TfliteRunner", refuse)
        np.testing.assert_array_equal(Teacher.read(model).outputs(given), first)
        with pytest.raises(AssertionError):
            teacher.outputs(given[:39])
    kept = teacher._cache(given)
    kept.write_bytes(kept.read_bytes()[:-4])
    np.testing.assert_array_equal(teacher.outputs(given), first)


def test_scores_give_the_outputs_back() -> None:
    lot = np.random.default_rng(2)
    logits = lot.normal(size=(20, 5)).astype(np.float32)
    likely = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    scores = scores_of(likely, Head.SOFTMAX)
    again = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(again, likely, rtol=1e-5)
    single = 1 / (1 + np.exp(-logits))
    np.testing.assert_allclose(scores_of(single, Head.LOGISTIC), logits, rtol=1e-3, atol=1e-5)
    certain = scores_of(np.array([[0.0, 1.0]], np.float32), Head.LOGISTIC)
    assert np.isfinite(certain).all()
    np.testing.assert_array_equal(scores_of(logits, Head.NUMBERS), logits)


def test_reduced_is_the_mean_of_blocks() -> None:
    samples = np.arange(2 * 4 * 6 * 2, dtype=np.float32).reshape(2, 1, 4, 6, 2)
    half = reduced(TrainingData((samples,)), (1, 2, 3, 2)).inputs[0]
    assert half.shape == (2, 1, 2, 3, 2)
    np.testing.assert_allclose(half[1, 0, 1, 2, 0], samples[1, 0, 2:4, 4:6, 0].mean())
    assert reduced(TrainingData((samples,)), (1, 4, 6, 2)).inputs[0] is samples


def test_a_missing_folder(tmp_path: Path) -> None:
    request = DistillRequest(
        teacher=CNN, architecture="mlp", data=tmp_path / "none", target="uno", options=QUICK
    )
    with pytest.raises(ConfigError, match="no such file or folder"):
        distill_model(request)
