"""Post-training quantization of a float .tflite."""

from __future__ import annotations

import warnings

from ai_edge_quantizer import quantizer, recipe

from examples.training.layers import Array
from host.models.tflite_writer import SIGNATURE_KEY


def to_int8(float_model: bytes, input_shape: tuple[int, ...], calibration: Array) -> bytes:
    """int8 weights (a scale a channel) and int8 activations, ranges from ``calibration``."""
    samples = [{"image": each.reshape(input_shape)} for each in calibration]
    with warnings.catch_warnings():
        # LiteRT warns that the tensors which calibration looks at take memory.
        warnings.filterwarnings("ignore", message=".*experimental_preserve_all_tensors")
        tool = quantizer.Quantizer(bytearray(float_model), recipe.static_wi8_ai8())
        ranges = tool.calibrate({SIGNATURE_KEY: samples}, num_threads=1)
        return bytes(tool.quantize(ranges, enable_progress_report=False).quantized_model)
