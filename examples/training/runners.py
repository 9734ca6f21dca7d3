"""The trained files run by the runtimes that will read them: [N, ...] in, [N, 10] out."""

from __future__ import annotations

import numpy as np
import onnxruntime
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from numpy.typing import NDArray

from examples.training.layers import Array


def run_onnx(model: bytes, images: Array) -> Array:
    """onnxruntime; images NHWC, given to the model as it declares them."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    shape = session.get_inputs()[0].shape
    return np.concatenate([session.run(None, {"image": each.reshape(shape)})[0] for each in images])


def run_tflite(model: bytes, images: Array) -> Array:
    """LiteRT's reference kernels; an int8 model's input and output are converted."""
    interpreter = Interpreter(
        model_content=model,
        num_threads=1,
        experimental_op_resolver_type=OpResolverType.BUILTIN_REF,
    )
    interpreter.allocate_tensors()
    source, sink = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    outputs = []
    for each in images:
        values = each.reshape(source["shape"])
        if source["dtype"] == np.int8:
            values = quantize(values, *source["quantization"])
        interpreter.set_tensor(source["index"], values)
        interpreter.invoke()
        result = interpreter.get_tensor(sink["index"])
        if sink["dtype"] == np.int8:
            result = dequantize(result, *sink["quantization"])
        outputs.append(result)
    return np.concatenate(outputs)


def quantize(values: Array, scale: float, zero_point: int) -> NDArray[np.int8]:
    """Real numbers to int8, saturating."""
    return np.clip(np.round(values / scale) + zero_point, -128, 127).astype(np.int8)


def dequantize(values: NDArray[np.int8], scale: float, zero_point: int) -> Array:
    """int8 to real numbers."""
    return ((values.astype(np.float32) - zero_point) * scale).astype(np.float32)
