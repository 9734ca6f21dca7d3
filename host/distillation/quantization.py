"""Post-training quantization: int8, or int4 weights, with ranges learned from samples."""

from __future__ import annotations

import contextlib
import io
import re
from collections.abc import Mapping
from typing import Any

import attrs
import numpy as np
from ai_edge_quantizer import qtyping, quantizer
from numpy.typing import NDArray

from host.distillation.inference import TfliteRunner, quiet
from host.errors import ModelError
from host.models.graph import Graph, Op
from host.models.tflite_buffers import inline_buffers
from host.models.tflite_writer import SIGNATURE_KEY, write_float_tflite

PRECISIONS = ("int8", "int4")
CLIPPED_PERCENTILES = (0.1, 99.9)
"""Of a tensor's values over all calibration samples, where the ends are cut off."""

_VALUES_OF_A_SAMPLE = 1024
"""How many of a tensor's values a sample adds to those that percentiles are taken of."""

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
    errors_by_ranges: Mapping[str, float]
    """Mean absolute difference from float32 over the hold-out, with each choice of ranges."""
    limits: Ranges
    """The chosen ranges: the quantizer's statistics of each activation, by its name."""

    @property
    def hold_out_error_mean(self) -> float:
        return self.errors_by_ranges[self.ranges]


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
    limits = {"min-max": plain, "clipped": _clipped(model, plain, calibration)}
    models, errors = {}, {}
    for name, ranges in limits.items():
        models[name] = _apply(_tool(model, precision), ranges, graph)
        errors[name] = float(np.abs(TfliteRunner(models[name]).run_all(hold_out) - expected).mean())
    best = min(errors, key=errors.__getitem__)
    return Quantized(models[best], precision, best, errors, limits[best])


def quantize_alone(graph: Graph, op: Op, whole: Quantized) -> bytes:
    """The model with this one op quantized as in ``whole``, and the others left in float32.

    Raises:
        ModelError: the quantizer refuses the model.
    """
    scope = f"^{re.escape(graph.tensors[op.outputs[0]].name)};$"
    tool = _tool(write_float_tflite(graph), whole.precision, scope)
    return _apply(tool, whole.limits, graph)


def _tool(model: bytes, precision: str, scope: str = ".*") -> quantizer.Quantizer:
    """``scope``: a regular expression for an op's outputs, each name with a semicolon after it."""
    tool = quantizer.Quantizer(bytearray(model))
    tool.add_static_config(scope, _OPS.ALL_SUPPORTED, 8, 8, weight_granularity=_CHANNELWISE)
    if precision == "int4":
        tool.add_static_config(scope, _OPS.CONV_2D, 8, 4, weight_granularity=_CHANNELWISE)
        tool.add_static_config(scope, _OPS.FULLY_CONNECTED, 8, 4, weight_granularity=_TENSORWISE)
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
                seen.setdefault(name, []).append(_drawn(values))
    return {name: _narrowed(limits, seen.get(name)) for name, limits in plain.items()}


def _drawn(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Some of the values, by lot: every n-th would leave channels out."""
    if values.size <= _VALUES_OF_A_SAMPLE:
        return values.reshape(-1).copy()
    lot = np.random.default_rng(values.size)
    places = lot.choice(values.size, _VALUES_OF_A_SAMPLE, replace=False, shuffle=False)
    return values.reshape(-1)[places]


def _narrowed(limits: Mapping[str, Any], seen: list[NDArray[np.float32]] | None) -> dict[str, Any]:
    if not seen:
        return dict(limits)
    low, high = np.percentile(np.concatenate(seen), CLIPPED_PERCENTILES)
    return {
        **limits,
        "min": np.maximum(limits["min"], np.float32(low)),
        "max": np.minimum(limits["max"], np.float32(high)),
    }
