"""Gives channels of zeros, as pruning leaves them, a scale that their biases can be multiples of.

A channel's bias is in multiples of input scale times weight scale. The quantizer takes the weight
scale of the channel's largest weight: of zeros it is next to nothing, and 32 bits do not hold the
bias in its multiples.
"""

from __future__ import annotations

import attrs
import numpy as np
from numpy.typing import NDArray

from host.models.graph import DType, Graph, Op, OpKind, Quantization
from host.models.tflite_importer import import_tflite
from host.models.tflite_writer import write_tflite

_WEIGHED = (OpKind.CONV_2D, OpKind.DEPTHWISE_CONV_2D, OpKind.FULLY_CONNECTED)
_CONVERSIONS = (OpKind.QUANTIZE, OpKind.DEQUANTIZE)
_EMPTY = 1e-6
"""Of the largest channel's scale: a channel whose scale is smaller holds zeros."""


def usable_scales(scales: NDArray[np.float32]) -> NDArray[np.float32]:
    """``scales`` of weights, those of channels of zeros replaced by the largest; where all are
    zero by one that serves as well as any.
    """
    most = scales.max() if scales.max() > _EMPTY else np.float32(2.0**-7)
    return np.where(scales < _EMPTY * most, most, scales).astype(np.float32)


def mend_empty_channels(tflite: bytes, graph: Graph) -> bytes:
    """``tflite``, quantized from ``graph``, with usable scales and biases; itself where it has."""
    quantized = import_tflite(tflite, graph.name)
    ops = [op for op in quantized.ops if op.kind not in _CONVERSIONS]
    mended = False
    for op, original in zip(ops, graph.ops, strict=True):
        if op.kind in _WEIGHED:
            mended |= _mend(quantized, op, graph, original)
    return write_tflite(quantized) if mended else tflite


def _mend(quantized: Graph, op: Op, graph: Graph, original: Op) -> bool:
    source, weights, *rest = (None if at is None else quantized.tensors[at] for at in op.inputs)
    if source is None or weights is None or weights.quantization is None:
        return False
    if weights.dtype not in (DType.INT8, DType.INT4) or source.quantization is None:
        return False
    scales = usable_scales(weights.quantization.scales)
    if (scales == weights.quantization.scales).all():
        return False
    weights.quantization = attrs.evolve(weights.quantization, scales=scales)
    real_bias = original.inputs[2] if len(original.inputs) > 2 else None
    if rest and rest[0] is not None and real_bias is not None:
        real = graph.tensors[real_bias].data
        assert real is not None
        steps = np.float32(source.quantization.scale) * scales
        info = np.iinfo(np.int32)
        integers = np.clip(np.round(real.astype(np.float64) / steps), info.min, info.max)
        rest[0].data = integers.astype(np.int32)
        rest[0].quantization = Quantization(steps, np.zeros(len(steps), np.int64))
    return True
