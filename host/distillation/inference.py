"""Runs a float or quantized ``.tflite`` on this host with LiteRT's reference kernels.

They are neither the boards' arithmetic nor fast; they are the same for float32, int8 and int4,
which is what an error between these asks for.
"""

from __future__ import annotations

import os
import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from numpy.typing import NDArray

from host.errors import ModelError

_STDERR = 2


class TfliteRunner:
    """One model with one input and any number of outputs, batch by batch of 1."""

    def __init__(
        self, model: bytes, *, preserve_all: bool = False, optimized: bool = False
    ) -> None:
        """``optimized``: LiteRT's fast kernels, for timing.

        Raises:
            ModelError: LiteRT refuses the model.
        """
        resolver = OpResolverType.AUTO if optimized else OpResolverType.BUILTIN_REF
        try:
            with quiet():
                self._interpreter = Interpreter(
                    model_content=model,
                    num_threads=1,
                    experimental_op_resolver_type=resolver,
                    experimental_preserve_all_tensors=preserve_all,
                )
                self._interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            raise ModelError(f"LiteRT refuses the model: {error}") from error
        self._input = self._interpreter.get_input_details()[0]
        self._outputs = self._interpreter.get_output_details()

    def run(self, sample: NDArray[np.float32]) -> NDArray[np.float32]:
        """Output 0 as real numbers, flat. ``sample`` fits the input."""
        self._interpreter.set_tensor(self._input["index"], self._as_stored(sample))
        self._interpreter.invoke()
        return self._real(self._outputs[0]).reshape(-1)

    def run_all(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """[n, output elements]."""
        return np.stack([self.run(sample) for sample in samples])

    def time_ms(self, sample: NDArray[np.float32], passes: int) -> list[float]:
        """Wall clock of each of ``passes`` inferences, a first one left out."""
        self._interpreter.set_tensor(self._input["index"], self._as_stored(sample))
        self._interpreter.invoke()
        found = []
        for _ in range(passes):
            started = time.perf_counter_ns()
            self._interpreter.invoke()
            found.append((time.perf_counter_ns() - started) / 1e6)
        return found

    def tensors(self) -> dict[str, NDArray[np.float32]]:
        """Every named tensor of the last run, as real numbers; needs ``preserve_all``."""
        found = {}
        for detail in self._interpreter.get_tensor_details():
            try:
                found[detail["name"]] = self._real(detail)
            except ValueError:  # a tensor without a buffer of its own
                continue
        return found

    def saturation(self) -> dict[str, float]:
        """Share of each int8 tensor's values that lie at an end of int8, of the last run.

        An end that stands for 0 does not count: a ReLU's zeros are no saturation.
        """
        found = {}
        for detail in self._interpreter.get_tensor_details():
            if detail["dtype"] != np.int8:
                continue
            try:
                values = self._interpreter.get_tensor(detail["index"])
            except ValueError:  # a tensor without a buffer of its own
                continue
            zero_point = detail["quantization"][1]
            ends = [end for end in (-128, 127) if end != zero_point]
            found[detail["name"]] = float(np.isin(values, ends).mean())
        return found

    def _as_stored(self, sample: NDArray[np.float32]) -> NDArray[Any]:
        values = sample.reshape(self._input["shape"])
        if self._input["dtype"] != np.int8:
            return values.astype(np.float32)
        scale, zero_point = self._input["quantization"]
        stored = np.clip(np.round(values / scale) + zero_point, -128, 127)
        return np.asarray(stored, np.int8)

    def _real(self, detail: dict[str, Any]) -> NDArray[np.float32]:
        values = self._interpreter.get_tensor(detail["index"])
        scale, zero_point = detail["quantization"]
        if np.issubdtype(values.dtype, np.integer) and scale:
            return np.asarray((values.astype(np.float32) - zero_point) * scale, np.float32)
        return np.asarray(values, np.float32)


@contextmanager
def quiet() -> Iterator[None]:
    """Without what LiteRT says of itself as it makes an interpreter.

    It warns that preserved tensors take memory, and tells of its delegate from C++, past Python's
    ``sys.stderr``: the file descriptor itself goes elsewhere meanwhile.
    """
    sys.stderr.flush()
    kept = os.dup(_STDERR)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, _STDERR)
    os.close(nowhere)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*experimental_preserve_all_tensors")
            yield
    finally:
        os.dup2(kept, _STDERR)
        os.close(kept)
