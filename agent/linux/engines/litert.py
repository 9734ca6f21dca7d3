"""LiteRT, or the package it was called before, where a board has only that."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from agent.linux.engines.interpreter import TensorSpec


class LiteRtInterpreter:
    """Implements :class:`Interpreter` for ``.tflite`` files, on XNNPACK as is its default."""

    def __init__(self, path: Path, threads: int) -> None:
        try:
            from ai_edge_litert.interpreter import Interpreter
        except ModuleNotFoundError:
            from tflite_runtime.interpreter import Interpreter
        self._interpreter = Interpreter(model_path=str(path), num_threads=threads)
        self._interpreter.allocate_tensors()
        inputs = self._interpreter.get_input_details()
        outputs = self._interpreter.get_output_details()
        self._input_indices = [entry["index"] for entry in inputs]
        self._output_indices = [entry["index"] for entry in outputs]
        self.inputs = tuple(map(_spec, inputs))
        self.outputs = tuple(map(_spec, outputs))
        self.invoke = self._interpreter.invoke

    def set_inputs(self, values: tuple[NDArray[Any], ...]) -> None:
        for index, value in zip(self._input_indices, values, strict=True):
            self._interpreter.set_tensor(index, value)

    def output(self, index: int) -> NDArray[Any]:
        value: NDArray[Any] = self._interpreter.get_tensor(self._output_indices[index])
        return value


def _spec(details: dict[str, Any]) -> TensorSpec:
    return TensorSpec(
        details["name"], tuple(int(size) for size in details["shape"]), details["dtype"].__name__
    )
