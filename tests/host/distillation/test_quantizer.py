"""Quantized models keep their accuracy, compile, and say what quantization cost them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from host.compiler import compile_graph
from host.distillation.inference import TfliteRunner
from host.distillation.quantizer import quantize_model
from host.errors import ModelError
from host.models import load_model
from host.models.tflite_importer import import_tflite
from host.models.tflite_writer import write_float_tflite
from tests.support.make import ROOT
from tests.support.models import published_model

EXAMPLES = ROOT / "examples"
TEST_IMAGES = np.load(EXAMPLES / "test" / "images.npy")
LABELS = np.load(EXAMPLES / "test" / "labels.npy")


def accuracy(model: bytes) -> float:
    return float((TfliteRunner(model).run_all(TEST_IMAGES).argmax(axis=1) == LABELS).mean())


@pytest.mark.parametrize("name", ["digits_mlp", "digits_cnn"])
def test_int8_keeps_the_accuracy_on_the_real_test_split(name: str) -> None:
    model = EXAMPLES / f"{name}.onnx"
    result = quantize_model(model, None, "int8")
    exact = accuracy(write_float_tflite(load_model(model)))
    assert abs(accuracy(result.tflite) - exact) <= 0.01
    plan = compile_graph(import_tflite(result.tflite, name))
    assert len(plan.data) > 0


def test_the_report_names_the_layers_that_hurt_most() -> None:
    report = quantize_model(EXAMPLES / "digits_cnn.onnx", None, "int8").report
    layers = {layer["name"]: layer for layer in report["layers"]}
    worst = [layers[name]["relative_error"] for name in report["worst_layers"]]
    assert worst == sorted(worst, reverse=True)
    assert worst[0] == max(layer["relative_error"] for layer in layers.values())
    assert all(0 <= layer["saturated_share"] <= 1 for layer in layers.values())
    assert report["quantized_bytes"] < report["float_bytes"]


def test_int4_weights_are_smaller_and_coarser() -> None:
    int8, int4 = (
        quantize_model(EXAMPLES / "digits_cnn.onnx", None, precision).report
        for precision in ("int8", "int4")
    )
    assert int4["quantized_bytes"] < int8["quantized_bytes"]
    assert int4["error_mean"] > int8["error_mean"]


@pytest.mark.parametrize("name", ["ic_resnet8_float", "ad01_fp32"])
def test_float_models_from_elsewhere(name: str, tmp_path: Path) -> None:
    result = quantize_model(published_model(name), None, "int8")
    assert "random samples stand in" in result.notes[0]
    plan = compile_graph(import_tflite(result.tflite, name))
    assert len(plan.data) > 50_000  # the quantizer keeps constants of such models outside


def test_a_quantized_model_is_refused() -> None:
    with pytest.raises(ModelError, match="quantized already; name the float model"):
        quantize_model(EXAMPLES / "digits_mlp_int8.tflite", None, "int8")
