"""Accelerators of this computer, timed through their vendor's own runtime."""

from __future__ import annotations

import importlib
import time
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from host.distillation.inference import TfliteRunner

_VENDOR_MODULE = "dx_engine"
_COMPILED_SUFFIX = ".dxnn"


class Engine(Protocol):
    """What runs a model and can time it; :class:`TfliteRunner` is one, on the CPU."""

    def time_ms(self, sample: NDArray[np.float32], passes: int) -> list[float]:
        """Wall clock of each of ``passes`` inferences with batch 1, a first one left out."""


class Unavailable(Exception):
    """An accelerator cannot be timed here; the text says why, as one clause."""


class Dxm1Engine:
    """Implements :class:`Engine` with DX-RT on a DEEPX DX-M1.

    Source: DX-RT's user manual, "Python API": ``InferenceEngine(path)``, its input tensors'
    ``shape`` and ``dtype``, ``run([input])``. The accelerator runs what DX-COM compiled, whose
    input may have another layout and dtype than the model's: it is timed on zeros of its own.
    """

    def __init__(self, compiled: Path) -> None:
        """Loads a ``.dxnn`` file.

        Raises:
            Unavailable: the runtime, the file or the accelerator is not there.
        """
        try:
            runtime = importlib.import_module(_VENDOR_MODULE)
        except ImportError as error:
            raise Unavailable(
                f"the vendor's runtime ({_VENDOR_MODULE}) is not installed: {error}"
            ) from error
        if not compiled.is_file():
            raise Unavailable(f"{compiled.name}, which DX-COM compiles, is not beside the model")
        try:
            self._engine: Any = runtime.InferenceEngine(str(compiled))
            self._inputs = [
                np.zeros(tensor["shape"], np.dtype(tensor["dtype"]))
                for tensor in self._engine.get_input_tensors_info()
            ]
        except (RuntimeError, OSError) as error:
            raise Unavailable(f"{_VENDOR_MODULE}: {error}") from error

    def time_ms(self, sample: NDArray[np.float32], passes: int) -> list[float]:
        del sample  # of the model's layout, not of the compiled one's
        found = []
        for _ in range(passes + 1):
            started = time.perf_counter_ns()
            self._engine.run(self._inputs)
            found.append((time.perf_counter_ns() - started) / 1e6)
        return found[1:]


def cpu_engine(tflite: bytes) -> Engine:
    """LiteRT's fast kernels on one thread of this computer.

    Raises:
        ModelError: LiteRT refuses the model.
    """
    return TfliteRunner(tflite, optimized=True)


def dxm1_engine(model: Path) -> Engine:
    """The DX-M1 with the compiled form of ``model``, which lies beside it.

    Raises:
        Unavailable: it cannot be used here.
    """
    return Dxm1Engine(model.with_suffix(_COMPILED_SUFFIX))
