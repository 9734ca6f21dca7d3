"""Quantizes a model file and reports what that did.

``python -m host.distillation.quantizer`` is ``host quantize``.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs

from host.distillation.calibration import choose_calibration
from host.distillation.inference import TfliteRunner
from host.distillation.layers import layer_errors
from host.distillation.quantization import quantize
from host.errors import ModelError
from host.models import load_model
from host.models.graph import DType
from host.models.tflite_writer import write_float_tflite

_WORST_LAYERS = 5


@attrs.frozen(eq=False)
class QuantizationResult:
    """``report`` holds plain JSON values: errors by layer, saturation by tensor."""

    tflite: bytes
    report: dict[str, Any]
    notes: tuple[str, ...]


def quantize_model(
    model: Path,
    calibration_data: Path | None,
    precision: str,
    progress: Callable[[str], None] = lambda _: None,
) -> QuantizationResult:
    """Post-training quantization of a float model.

    Raises:
        ConfigError: model or calibration data cannot be read, or do not fit each other.
        ModelError: the model is quantized already, or not supported.
    """
    graph = load_model(model)
    if any(tensor.dtype is DType.INT8 for tensor in graph.tensors):
        raise ModelError(f"{model}: is quantized already; name the float model it came from")
    calibration = choose_calibration(model, graph, calibration_data)
    to_calibrate, hold_out = calibration.split()
    progress(f"quantizing to {precision} with {len(to_calibrate)} samples")
    quantized = quantize(graph, to_calibrate, hold_out, precision)
    progress("comparing the layers")
    layers = layer_errors(graph, quantized, hold_out)
    expected = TfliteRunner(write_float_tflite(graph)).run_all(hold_out)
    worst = sorted(layers, key=lambda layer: -float(layer["sensitivity"]))[:_WORST_LAYERS]
    notes = (*calibration.notes, *graph.notes)
    report = {
        "model": str(model),
        "precision": precision,
        "ranges": quantized.ranges,
        "error_mean_by_ranges": dict(quantized.errors_by_ranges),
        "calibration": {
            "source": calibration.source,
            "sha256": calibration.sha256,
            "calibration_count": len(to_calibrate),
            "hold_out_count": len(hold_out),
        },
        "error_mean": quantized.hold_out_error_mean,
        "output_range": [float(expected.min()), float(expected.max())],
        "float_bytes": len(write_float_tflite(graph)),
        "quantized_bytes": len(quantized.tflite),
        "layers": layers,
        "worst_layers": [layer["name"] for layer in worst],
        "notes": list(notes),
    }
    return QuantizationResult(quantized.tflite, report, notes)


if __name__ == "__main__":
    from host.cli import main

    main(command="quantize")
