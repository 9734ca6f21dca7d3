"""One inference with LiteRT or onnxruntime, in a process of its own: some files abort it.

Run as ``python -P engine_process.py ENGINE MODEL ANSWER [REQUEST]``. The answer, ``.npz``, holds
``contract`` (JSON: precision; name, shape, dtype, scale and zero_point of each input and output)
and, where a request with ``input_0`` ... is given, ``output_0`` ... Exits 3, with the engine's
words on standard error, where it does not load the model.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

REFUSED = 3
_NUMPY_NAMES = {"float": "float32", "double": "float64"}
"""Of element types that onnxruntime calls otherwise than NumPy does."""


class _Model(Protocol):
    contract: dict[str, Any]

    def run(self, inputs: list[NDArray[Any]]) -> list[NDArray[Any]]: ...


class _LiteRt:
    """On XNNPACK, with one thread."""

    def __init__(self, path: Path) -> None:
        from ai_edge_litert.interpreter import Interpreter

        self._interpreter = Interpreter(model_path=str(path), num_threads=1)
        self._interpreter.allocate_tensors()
        self._inputs = self._interpreter.get_input_details()
        self._outputs = self._interpreter.get_output_details()
        dtypes = {entry["dtype"].__name__ for entry in self._interpreter.get_tensor_details()}
        self.contract = {
            "precision": "int8" if "int8" in dtypes else "float32",
            "inputs": list(map(self._describe, self._inputs)),
            "outputs": list(map(self._describe, self._outputs)),
        }

    @staticmethod
    def _describe(details: dict[str, Any]) -> dict[str, Any]:
        scale, zero_point = details["quantization"]
        return {
            "name": details["name"],
            "shape": [int(size) for size in details["shape"]],
            "dtype": details["dtype"].__name__,
            "scale": float(scale) or 1.0,
            "zero_point": int(zero_point),
        }

    def run(self, inputs: list[NDArray[Any]]) -> list[NDArray[Any]]:
        for details, value in zip(self._inputs, inputs, strict=True):
            self._interpreter.set_tensor(details["index"], value)
        self._interpreter.invoke()
        return [self._interpreter.get_tensor(details["index"]) for details in self._outputs]


class _OnnxRuntime:
    """On its CPU provider, with one thread."""

    def __init__(self, path: Path) -> None:
        import onnxruntime

        model = path.read_bytes()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(
            model, options, providers=["CPUExecutionProvider"]
        )
        self.contract = {
            "precision": _onnx_precision(model),
            "inputs": list(map(self._describe, self._session.get_inputs())),
            "outputs": list(map(self._describe, self._session.get_outputs())),
        }

    @staticmethod
    def _describe(node: Any) -> dict[str, Any]:
        """A dimension that the model leaves open is 1 (protocol/SPEC.md, MODEL_END)."""
        element = node.type.removeprefix("tensor(").removesuffix(")")
        return {
            "name": node.name,
            "shape": [size if isinstance(size, int) else 1 for size in node.shape],
            "dtype": np.dtype(_NUMPY_NAMES.get(element, element)).name,
            "scale": 1.0,
            "zero_point": 0,
        }

    def run(self, inputs: list[NDArray[Any]]) -> list[NDArray[Any]]:
        names = [node.name for node in self._session.get_inputs()]
        results: list[NDArray[Any]] = self._session.run(None, dict(zip(names, inputs, strict=True)))
        return results


def _onnx_precision(model: bytes) -> str:
    """Of the weights: the narrowest type among them."""
    from onnx import TensorProto, load_from_string

    weights = {
        tensor.data_type
        for tensor in load_from_string(model).graph.initializer
        if len(tensor.dims) > 1
    }
    for name in ("int4", "int8", "float16"):
        kinds = {TensorProto.DataType.Value(name.upper())}
        if name.startswith("int"):
            kinds.add(TensorProto.DataType.Value(f"U{name.upper()}"))
        if weights & kinds:
            return name
    return "float32"


_ENGINES: dict[str, Any] = {"litert": _LiteRt, "onnxruntime": _OnnxRuntime}


def main(engine: str, model_path: str, answer_path: str, request_path: str = "") -> int:
    try:
        model: _Model = _ENGINES[engine](Path(model_path))
    except Exception as error:  # whatever a library raises is why
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return REFUSED
    answers: dict[str, NDArray[Any]] = {"contract": np.array(json.dumps(model.contract))}
    if request_path:
        with np.load(request_path) as request:
            inputs = [request[f"input_{index}"] for index in range(len(request.files))]
        for index, output in enumerate(model.run(inputs)):
            answers[f"output_{index}"] = output
    np.savez(answer_path, allow_pickle=False, **answers)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
