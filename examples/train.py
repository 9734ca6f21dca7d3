"""Trains the bundled models and writes every file of this folder but the README.

    python -m examples.train [--output DIR] [--epochs N]

On one CPU the files come out the same to the last byte each time; another CPU's
vector instructions round the training differently and reach the same accuracy.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

# Before NumPy is imported: sums over several threads have no fixed order.
os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np
from numpy.typing import NDArray

from examples.training import data
from examples.training.layers import Array
from examples.training.networks import RECIPES, Recipe, predict, train
from examples.training.runners import run_onnx, run_tflite
from examples.training.to_graph import to_graph
from examples.training.to_int8 import to_int8
from examples.training.to_onnx import to_onnx
from host.models.tflite_writer import write_float_tflite

FLOAT_TOLERANCE = 1e-5
"""Probabilities of the float files may differ by this from NumPy's: float32 sums reordered."""


def accuracy(probabilities: Array, labels: NDArray[np.int64]) -> float:
    """Share of rows whose largest entry stands at the label."""
    return float((probabilities.argmax(axis=1) == labels).mean())


def make_model(recipe: Recipe, digits: data.Digits, output: Path, epochs: int | None) -> None:
    """Trains one network, writes its three files and prints their held-out accuracy.

    Raises:
        RuntimeError: a float file does not compute what was trained.
    """
    layers = train(recipe, digits.train_images, digits.train_labels, epochs)
    graph = to_graph(recipe, layers)
    onnx_model = to_onnx(recipe, layers)
    float_model = write_float_tflite(graph)
    input_shape = graph.tensors[graph.inputs[0]].shape
    int8_model = to_int8(float_model, input_shape, digits.calibration_images)

    trained = predict(layers, digits.test_images)
    for runtime, result in (
        ("onnxruntime", run_onnx(onnx_model, digits.test_images)),
        ("LiteRT", run_tflite(float_model, digits.test_images)),
    ):
        error = float(np.abs(result - trained).max())
        if error > FLOAT_TOLERANCE:
            raise RuntimeError(f"{recipe.name}: {runtime} differs from NumPy by {error:.3g}")

    (output / f"{recipe.name}.onnx").write_bytes(onnx_model)
    (output / f"{recipe.name}_float.tflite").write_bytes(float_model)
    (output / f"{recipe.name}_int8.tflite").write_bytes(int8_model)
    int8_result = run_tflite(int8_model, digits.test_images)
    print(
        f"{recipe.name}: accuracy on {len(trained)} held-out images: "
        f"float {accuracy(trained, digits.test_labels):.4f}, "
        f"int8 {accuracy(int8_result, digits.test_labels):.4f}"
    )


def write_data(digits: data.Digits, output: Path) -> None:
    """Writes `calibration/images.npy`, `test/images.npy` (NHWC float32), `test/labels.npy`.

    Plain .npy: an .npz is a zip file, whose header differs from one Python to the next.
    """
    for name, values in (
        ("calibration/images.npy", digits.calibration_images),
        ("test/images.npy", digits.test_images),
        ("test/labels.npy", digits.test_labels),
    ):
        (output / name).parent.mkdir(exist_ok=True)
        np.save(output / name, values)


def main() -> None:
    """Command-line entry."""
    parser = argparse.ArgumentParser(prog="python -m examples.train", description=__doc__)
    parser.add_argument("--output", type=Path, default=Path(__file__).parent)
    parser.add_argument("--epochs", type=int, help="default: what each network is trained for")
    arguments = parser.parse_args()
    arguments.output.mkdir(parents=True, exist_ok=True)
    digits = data.load()
    write_data(digits, arguments.output)
    for recipe in RECIPES:
        make_model(recipe, digits, arguments.output, arguments.epochs)


if __name__ == "__main__":
    main()
