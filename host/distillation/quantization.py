"""Post-training quantization: int8, or int4 weights, with ranges learned from samples."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Mapping
from typing import Any

import attrs
import numpy as np
from ai_edge_quantizer import qtyping, quantizer
from numpy.typing import NDArray

from host.distillation.inference import TfliteRunner, quiet
from host.errors import ModelError
from host.models.graph import Graph
from host.models.tflite_buffers import inline_buffers
from host.models.tflite_writer import SIGNATURE_KEY, write_float_tflite

PRECISIONS = ("int8", "int4")
CLIPPED_PERCENTILES = (0.1, 99.9)
"""Of a tensor's values over the calibration samples, where the ends are cut off."""

_CHANNELWISE = qtyping.QuantGranularity.CHANNELWISE
_TENSORWISE = qtyping.QuantGranularity.TENSORWISE
_OPS = qtyping.TFLOperationName

Ranges = dict[str, dict[str, Any]]


@attrs.frozen(eq=False)
class Quantized:
    """A quantized ``.tflite``; ``ranges`` is ``min-max`` or ``clipped``."""

    tflite: bytes
    precision: str
    ranges: str
    hold_out_error_mean: float
    """Mean absolute difference from float32 over the hold-out."""


def quantize(
    graph: Graph,
    calibration: NDArray[np.float32],
    hold_out: NDArray[np.float32],
    precision: str,
) -> Quantized:
    """Quantizes with plain and with clipped ranges, and keeps what does better on the hold-out.

    int4 is a precision of weights: of convolutions a scale a channel, of FULLY_CONNECTED one; the
    weights of depthwise convolutions stay int8, as TFLM has no kernel for less. Activations are
    int8.

    Raises:
        ModelError: the quantizer or LiteRT refuses the model.
    """
    model = write_float_tflite(graph)
    expected = TfliteRunner(model).run_all(hold_out)
    tool = _tool(model, precision)
    plain = _ranges(tool, graph, calibration)
    candidates = []
    for name, ranges in (("min-max", plain), ("clipped", _clipped(model, plain, calibration))):
        data = _apply(_tool(model, precision), ranges, graph)
        error = float(np.abs(TfliteRunner(data).run_all(hold_out) - expected).mean())
        candidates.append(Quantized(data, precision, name, error))
    return min(candidates, key=lambda candidate: candidate.hold_out_error_mean)


def _tool(model: bytes, precision: str) -> quantizer.Quantizer:
    tool = quantizer.Quantizer(bytearray(model))
    tool.add_static_config(".*", _OPS.ALL_SUPPORTED, 8, 8, weight_granularity=_CHANNELWISE)
    if precision == "int4":
        tool.add_static_config(".*", _OPS.CONV_2D, 8, 4, weight_granularity=_CHANNELWISE)
        tool.add_static_config(".*", _OPS.FULLY_CONNECTED, 8, 4, weight_granularity=_TENSORWISE)
    return tool


def _ranges(tool: quantizer.Quantizer, graph: Graph, samples: NDArray[np.float32]) -> Ranges:
    name = graph.tensors[graph.inputs[0]].name
    feeds = {SIGNATURE_KEY: [{name: sample} for sample in samples]}
    # It draws a progress bar of its own.
    with quiet(), contextlib.redirect_stderr(io.StringIO()):
        return dict(tool.calibrate(feeds, num_threads=1))


def _apply(tool: quantizer.Quantizer, ranges: Ranges, graph: Graph) -> bytes:
    try:
        with quiet(), contextlib.redirect_stderr(io.StringIO()):
            result = tool.quantize(ranges, enable_progress_report=False)
    except (ValueError, RuntimeError, KeyError) as error:
        raise ModelError(f"{graph.name}: the quantizer refuses the model: {error}") from error
    return inline_buffers(bytes(result.quantized_model))


def _clipped(model: bytes, plain: Ranges, samples: NDArray[np.float32]) -> Ranges:
    """Ranges that leave out the rarest values at both ends, of activations alone."""
    runner = TfliteRunner(model, preserve_all=True)
    seen: dict[str, list[NDArray[np.float32]]] = {}
    for sample in samples:
        runner.run(sample)
        for name, values in runner.tensors().items():
            if name in plain:
                seen.setdefault(name, []).append(np.percentile(values, CLIPPED_PERCENTILES))
    return {name: _narrowed(limits, seen.get(name)) for name, limits in plain.items()}


def _narrowed(limits: Mapping[str, Any], percentiles: list[Any] | None) -> dict[str, Any]:
    if not percentiles:
        return dict(limits)
    low, high = np.stack(percentiles).T
    return {
        **limits,
        "min": np.maximum(limits["min"], np.float32(low.min())),
        "max": np.minimum(limits["max"], np.float32(high.max())),
    }
