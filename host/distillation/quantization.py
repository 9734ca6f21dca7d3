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

from host.distillation.empty_channels import mend_empty_channels
from host.distillation.inference import TfliteRunner, quiet
from host.errors import ModelError
from host.models.graph import Graph, Op
from host.models.tflite_buffers import inline_buffers
from host.models.tflite_importer import import_tflite
from host.models.tflite_writer import write_float_tflite

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
    limits = _limits(model, calibration)
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


def _apply(tool: quantizer.Quantizer, ranges: Ranges, graph: Graph) -> bytes:
    try:
        # Biases of empty channels overflow in the quantizer; they are mended below.
        with quiet(), contextlib.redirect_stderr(io.StringIO()), np.errstate(invalid="ignore"):
            result = tool.quantize(ranges, enable_progress_report=False)
    except (ValueError, RuntimeError, KeyError) as error:
        raise ModelError(f"{graph.name}: the quantizer refuses the model: {error}") from error
    return mend_empty_channels(inline_buffers(bytes(result.quantized_model)), graph)


def _limits(model: bytes, samples: NDArray[np.float32]) -> dict[str, Ranges]:
    """Each activation's extremes over all samples, and those without the rarest values.

    The quantizer's own calibration takes a moving average of the extremes instead, which cuts off
    half of the samples' largest values.
    """
    activations = {t.name: t for t in import_tflite(model, "").tensors if t.data is None}
    runner = TfliteRunner(model, preserve_all=True)
    extremes: dict[str, list[tuple[float, float]]] = {name: [] for name in activations}
    drawn: dict[str, list[NDArray[np.float32]]] = {name: [] for name in activations}
    for sample in samples:
        runner.run(sample)
        for name, values in runner.tensors().items():
            if name in activations:
                extremes[name].append((float(values.min()), float(values.max())))
                drawn[name].append(_drawn(values))
    plain, clipped = {}, {}
    for name, tensor in activations.items():
        if not extremes[name]:
            continue
        low, high = min(extremes[name])[0], max(high for _, high in extremes[name])
        least, most = np.percentile(np.concatenate(drawn[name]), CLIPPED_PERCENTILES)
        plain[name] = _range(low, high, len(tensor.shape))
        clipped[name] = _range(least, most, len(tensor.shape))
    return {"min-max": plain, "clipped": clipped}


def _range(low: float, high: float, rank: int) -> dict[str, Any]:
    """As the quantizer keeps it: arrays of as many dimensions as the tensor has."""
    shape = (1,) * rank
    return {"min": np.full(shape, low, np.float32), "max": np.full(shape, high, np.float32)}


def _drawn(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Some of the values, by lot: every n-th would leave channels out."""
    if values.size <= _VALUES_OF_A_SAMPLE:
        return values.reshape(-1).copy()
    lot = np.random.default_rng(values.size)
    places = lot.choice(values.size, _VALUES_OF_A_SAMPLE, replace=False, shuffle=False)
    return values.reshape(-1)[places]
