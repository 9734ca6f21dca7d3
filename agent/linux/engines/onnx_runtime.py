"""onnxruntime on its CPU provider."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agent.linux.engines.interpreter import TensorSpec

_DTYPES = {
    "tensor(float)": "float32",
    "tensor(double)": "float64",
    "tensor(float16)": "float16",
    "tensor(int8)": "int8",
    "tensor(uint8)": "uint8",
    "tensor(int16)": "int16",
    "tensor(uint16)": "uint16",
    "tensor(int32)": "int32",
    "tensor(uint32)": "uint32",
    "tensor(int64)": "int64",
    "tensor(uint64)": "uint64",
    "tensor(bool)": "bool",
}


class OnnxRuntimeInterpreter:
    """Implements :class:`Interpreter` for ``.onnx`` files whose weights are in the file."""

    def __init__(self, path: Path, threads: int) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        # From bytes: a path would let the file name others beside it.
        self._session = onnxruntime.InferenceSession(
            path.read_bytes(), options, providers=["CPUExecutionProvider"]
        )
        self.inputs = tuple(map(_spec, self._session.get_inputs()))
        self.outputs = tuple(map(_spec, self._session.get_outputs()))
        self._names = [entry.name for entry in self.outputs]
        self._feeds: dict[str, NDArray[Any]] = {}
        self._results: list[NDArray[Any]] = [
            np.zeros(entry.shape, entry.dtype) for entry in self.outputs
        ]

    def set_inputs(self, values: tuple[NDArray[Any], ...]) -> None:
        self._feeds = {entry.name: value for entry, value in zip(self.inputs, values, strict=True)}

    def invoke(self) -> None:
        self._results = self._session.run(self._names, self._feeds)

    def output(self, index: int) -> NDArray[Any]:
        return self._results[index]


def _spec(node: Any) -> TensorSpec:
    if node.type not in _DTYPES:
        raise ValueError(f"{node.name} is a {node.type}, which cannot be sent")
    shape = tuple(size if isinstance(size, int) else 1 for size in node.shape)
    return TensorSpec(node.name, shape, _DTYPES[node.type])
