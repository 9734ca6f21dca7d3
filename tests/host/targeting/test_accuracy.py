"""The bundled examples on their real test split: int8 within a percentage point of float."""

from __future__ import annotations

import numpy as np
import pytest

from host.distillation.calibration import choose_calibration
from host.distillation.inference import TfliteRunner
from host.distillation.quantization import quantize
from host.models import load_model
from host.models.tflite_writer import write_float_tflite
from tests.support.pc_agent import ROOT

EXAMPLES = ROOT / "examples"
REPORTED_INT4 = {"digits_mlp": 0.9500, "digits_cnn": 0.9806}
"""As examples/README.md has it."""


@pytest.mark.parametrize("name", ["digits_mlp", "digits_cnn"])
def test_accuracy_on_the_held_out_images(name: str) -> None:
    model = EXAMPLES / f"{name}.onnx"
    graph = load_model(model)
    images = np.load(EXAMPLES / "test" / "images.npy")
    labels = np.load(EXAMPLES / "test" / "labels.npy")
    to_calibrate, hold_out = choose_calibration(model, graph, None).split()

    def accuracy(tflite: bytes) -> float:
        return float((TfliteRunner(tflite).run_all(images).argmax(axis=1) == labels).mean())

    exact = accuracy(write_float_tflite(graph))
    int8, int4 = (
        accuracy(quantize(graph, to_calibrate, hold_out, precision).tflite)
        for precision in ("int8", "int4")
    )
    assert exact > 0.96
    assert abs(int8 - exact) <= 0.01
    assert int4 == pytest.approx(REPORTED_INT4[name], abs=0.005), f"{name}: int4 {int4:.4f}"
