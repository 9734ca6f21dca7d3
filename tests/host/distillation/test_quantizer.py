"""Quantized models keep their accuracy, compile, and say what quantization cost them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from host.compiler import compile_graph
from host.distillation.calibration import read_calibration
from host.distillation.inference import TfliteRunner
from host.distillation.layers import layer_errors
from host.distillation.quantization import quantize
from host.distillation.quantizer import quantize_model
from host.errors import ModelError
from host.models import load_model
from host.models.graph import OpKind
from host.models.tflite_importer import import_tflite
from host.models.tflite_writer import write_float_tflite
from tests.support.make import ROOT
from tests.support.onnx_models import Maker
from tests.support.onnx_networks import NETWORKS

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


def test_the_report() -> None:
    report = quantize_model(EXAMPLES / "digits_cnn.onnx", None, "int8").report
    layers = {layer["name"]: layer for layer in report["layers"]}
    assert len(layers) == len(load_model(EXAMPLES / "digits_cnn.onnx").ops)
    worst = [layers[name]["sensitivity"] for name in report["worst_layers"]]
    assert worst == sorted(worst, reverse=True)
    assert worst[0] == max(layer["sensitivity"] for layer in layers.values())
    assert all(0 <= layer["saturated_share"] <= 1 for layer in layers.values())
    assert report["quantized_bytes"] < report["float_bytes"]
    errors = report["error_mean_by_ranges"]
    assert set(errors) == {"min-max", "clipped"}
    assert report["error_mean"] == errors[report["ranges"]] == min(errors.values())
    json.dumps(report)


def spoiled_chain() -> bytes:
    """Three layers that pass their input on; an outlier spoils the range of the middle one's."""
    maker = Maker("batch", 16)
    eye = np.eye(16, dtype=np.float32)
    first = maker.node("Relu", maker.node("Gemm", "x", maker.constant(eye)))
    spoiled = eye.copy()
    spoiled[:, 0] *= 1000.0
    middle = maker.node("Gemm", first, maker.constant(spoiled))
    repaired = eye.copy()
    repaired[0] /= 1000.0
    return maker.bytes(maker.node("Gemm", middle, maker.constant(repaired)))


def test_the_layer_that_hurts_most_is_the_one_with_outliers(tmp_path: Path) -> None:
    samples = np.random.default_rng(0).random((200, 16)).astype(np.float32)
    np.save(tmp_path / "x.npy", samples)
    (tmp_path / "m.onnx").write_bytes(spoiled_chain())
    result = quantize_model(tmp_path / "m.onnx", tmp_path / "x.npy", "int8")
    graph = load_model(tmp_path / "m.onnx")
    kinds = [op.kind for op in graph.ops]
    assert kinds == [OpKind.FULLY_CONNECTED] * 3
    first, *culprits = (graph.tensors[op.outputs[0]].name for op in graph.ops)
    # Whoever writes the spoiled tensor and whoever reads it has its coarse steps.
    assert set(result.report["worst_layers"][:2]) == set(culprits)
    by_name = {layer["name"]: layer["sensitivity"] for layer in result.report["layers"]}
    assert by_name[first] < 0.1 * min(by_name[name] for name in culprits)
    assert any("m.onnx: the dynamic batch of input 'x'" in note for note in result.notes)


def test_ranges_are_clipped_where_that_does_better(tmp_path: Path) -> None:
    """One value far off in a thousand costs the others their resolution."""
    graph = load_model(EXAMPLES / "digits_mlp.onnx")
    rng = np.random.default_rng(0)
    learned = rng.random((64, *graph.tensors[graph.inputs[0]].shape)).astype(np.float32)
    learned[0, 0, 0] = 500.0
    judged = rng.random((32, *learned.shape[1:])).astype(np.float32)
    found = quantize(graph, learned, judged, "int8")
    assert found.ranges == "clipped"
    assert found.errors_by_ranges["clipped"] < found.errors_by_ranges["min-max"]


def test_plain_ranges_hold_every_value_that_was_calibrated_with() -> None:
    """A moving average of the extremes would cut off the logits of half of the samples."""
    graph = load_model(EXAMPLES / "digits_cnn.onnx")
    samples = read_calibration(EXAMPLES / "calibration", graph).samples
    found = quantize(graph, samples, samples[:20], "int8")
    assert found.ranges == "min-max"
    logits = next(op.outputs[0] for op in graph.ops if op.kind is OpKind.FULLY_CONNECTED)
    layers = layer_errors(graph, found, samples)
    layer = next(layer for layer in layers if layer["name"] == graph.tensors[logits].name)
    assert layer["saturated_share"] < 0.005


@pytest.mark.parametrize("precision", ["int8", "int4"])
def test_a_channel_of_zeros_keeps_its_bias(precision: str) -> None:
    """As pruning leaves them: of its own scale, next to nothing, 32 bits do not hold the bias."""
    graph = load_model(EXAMPLES / "digits_cnn.onnx")
    for op in graph.ops[:2]:
        weights, bias = (graph.tensors[index] for index in op.inputs[1:])
        weights.data = weights.data.copy()
        weights.data[::3] = 0.0
        bias.data = bias.data + np.float32(0.25)
    samples = read_calibration(EXAMPLES / "calibration", graph).samples
    found = quantize(graph, samples, samples[:40], precision)
    exported = import_tflite(found.tflite, "m")
    for op, original in zip(exported.ops[:2], graph.ops, strict=False):
        bias = exported.tensors[op.inputs[2]]
        real = bias.data * bias.quantization.scales.astype(np.float64)
        np.testing.assert_allclose(real, graph.tensors[original.inputs[2]].data, atol=2e-3)
    assert len(compile_graph(exported).data) > 0


def test_int4_weights_are_smaller_and_coarser() -> None:
    int8, int4 = (
        quantize_model(EXAMPLES / "digits_cnn.onnx", None, precision).report
        for precision in ("int8", "int4")
    )
    assert int4["quantized_bytes"] < int8["quantized_bytes"]
    assert int4["error_mean"] > int8["error_mean"]


@pytest.mark.parametrize("build", NETWORKS, ids=[build.__name__ for build in NETWORKS])
def test_whatever_is_imported_quantizes_and_compiles(
    build: Callable[[Maker], str], tmp_path: Path
) -> None:
    maker = Maker(1, 3, 6, 5)
    (tmp_path / "m.onnx").write_bytes(maker.bytes(build(maker)))
    result = quantize_model(tmp_path / "m.onnx", None, "int4")
    plan = compile_graph(import_tflite(result.tflite, "m"))
    assert len(plan.data) > 0
    assert np.isfinite(result.report["error_mean"])


def test_a_quantized_model_is_refused() -> None:
    with pytest.raises(ModelError, match="quantized already; name the float model"):
        quantize_model(EXAMPLES / "digits_mlp_int8.tflite", None, "int8")
