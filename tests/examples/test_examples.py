"""The bundled files: what they compute, how well, and that training makes them again."""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
from pathlib import Path

import ai_edge_litert.schema_py_generated as schema
import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.datasets import load_digits

from examples.training.runners import dequantize, quantize, run_onnx, run_tflite

EXAMPLES = Path(__file__).parents[2] / "examples"
MODELS = ("digits_mlp", "digits_cnn")
LOWEST_FLOAT_ACCURACY = {"digits_mlp": 0.96, "digits_cnn": 0.97}
SUFFIXES = (".onnx", "_float.tflite", "_int8.tflite")
ONE_POINT = 0.01

Array = NDArray[np.float32]


@pytest.fixture(scope="module")
def held_out() -> tuple[Array, NDArray[np.int64]]:
    return np.load(EXAMPLES / "test" / "images.npy"), np.load(EXAMPLES / "test" / "labels.npy")


def accuracy(probabilities: Array, labels: NDArray[np.int64]) -> float:
    return float((probabilities.argmax(axis=1) == labels).mean())


def run_tflm(model: bytes, images: Array) -> Array:
    runtime = pytest.importorskip(
        "tflite_micro", reason="has wheels for x86-64 Linux alone"
    ).runtime
    interpreter = runtime.Interpreter.from_bytes(model)
    source, sink = interpreter.get_input_details(0), interpreter.get_output_details(0)

    def affine(details: dict[str, dict[str, list[float]]]) -> tuple[float, int]:
        parameters = details["quantization_parameters"]
        return float(parameters["scales"][0]), int(parameters["zero_points"][0])

    outputs = []
    for image in images:
        interpreter.set_input(quantize(image.reshape(source["shape"]), *affine(source)), 0)
        interpreter.invoke()
        outputs.append(dequantize(interpreter.get_output(0), *affine(sink)))
    return np.concatenate(outputs)


def train(output: Path, *arguments: str) -> None:
    subprocess.run(
        [sys.executable, "-m", "examples.train", "--output", str(output), *arguments],
        check=True,
        cwd=EXAMPLES.parent,
        capture_output=True,
        timeout=240,
    )


def digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.mark.parametrize("name", MODELS)
def test_float_files_agree_and_are_accurate(
    name: str, held_out: tuple[Array, NDArray[np.int64]]
) -> None:
    images, labels = held_out
    by_litert = run_tflite((EXAMPLES / f"{name}_float.tflite").read_bytes(), images)
    by_onnxruntime = run_onnx((EXAMPLES / f"{name}.onnx").read_bytes(), images)
    np.testing.assert_allclose(by_litert, by_onnxruntime, atol=1e-5)
    assert accuracy(by_litert, labels) >= LOWEST_FLOAT_ACCURACY[name]


@pytest.mark.parametrize("name", MODELS)
def test_int8_runs_on_tflm_and_loses_less_than_a_point(
    name: str, held_out: tuple[Array, NDArray[np.int64]]
) -> None:
    images, labels = held_out
    float_accuracy = accuracy(
        run_tflite((EXAMPLES / f"{name}_float.tflite").read_bytes(), images), labels
    )
    int8_accuracy = accuracy(
        run_tflm((EXAMPLES / f"{name}_int8.tflite").read_bytes(), images), labels
    )
    assert int8_accuracy >= float_accuracy - ONE_POINT
    documented = re.search(rf"`{name}` .*\| (\S+) % \| (\S+) % \| \S+ % \|", readme())
    assert documented is not None
    assert [float(each) for each in documented.groups()] == [
        round(100 * float_accuracy, 2),
        round(100 * int8_accuracy, 2),
    ]


def readme() -> str:
    return (EXAMPLES / "README.md").read_text()


@pytest.mark.parametrize("name", MODELS)
def test_int8_is_int8_from_end_to_end(name: str) -> None:
    model = (EXAMPLES / f"{name}_int8.tflite").read_bytes()
    graph = schema.ModelT.InitFromPackedBuf(model, 0).subgraphs[0]
    for index in (*graph.inputs, *graph.outputs):
        assert graph.tensors[index].type == schema.TensorType.INT8
    for tensor in graph.tensors:
        if tensor.name.endswith(b"/weights"):
            channels = max(tensor.shape[0], tensor.shape[-1] if tensor.shape[0] == 1 else 0)
            assert len(tensor.quantization.scale) == channels


def test_splits_do_not_overlap(held_out: tuple[Array, NDArray[np.int64]]) -> None:
    raw = load_digits()
    labels_of: dict[bytes, set[int]] = {}
    for image, label in zip((raw.images / 16).astype(np.float32), raw.target, strict=True):
        labels_of.setdefault(image.tobytes(), set()).add(int(label))
    images, labels = held_out
    calibration = np.load(EXAMPLES / "calibration" / "images.npy")
    assert images.shape == (360, 8, 8, 1)
    assert calibration.shape == (200, 8, 8, 1)
    assert images.dtype == calibration.dtype == np.float32
    for image, label in zip(images, labels, strict=True):
        assert int(label) in labels_of[image.tobytes()]
    test = {image.tobytes() for image in images}
    calibrated = {image.tobytes() for image in calibration}
    assert len(test) == 360
    assert calibrated <= labels_of.keys()
    assert not test & calibrated


def test_training_repeats_to_the_last_byte(tmp_path: Path) -> None:
    for run in ("first", "second"):
        train(tmp_path / run, "--epochs", "2")
    first = digests(tmp_path / "first")
    assert len(first) == 3 + len(MODELS) * len(SUFFIXES)
    assert first == digests(tmp_path / "second")


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_training_reaches_the_committed_accuracy(
    tmp_path: Path, held_out: tuple[Array, NDArray[np.int64]]
) -> None:
    images, labels = held_out
    train(tmp_path)
    for name in ("calibration/images.npy", "test/images.npy", "test/labels.npy"):
        assert (tmp_path / name).read_bytes() == (EXAMPLES / name).read_bytes()
    for name in MODELS:
        for suffix in ("_float.tflite", "_int8.tflite"):
            committed, trained = (
                accuracy(run_tflite((folder / f"{name}{suffix}").read_bytes(), images), labels)
                for folder in (EXAMPLES, tmp_path)
            )
            # Six images either way: another CPU rounds the training differently.
            assert trained == pytest.approx(committed, abs=6 / 360)
