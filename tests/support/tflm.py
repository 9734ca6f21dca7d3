"""TensorFlow Lite Micro, the oracle of the int8 arithmetic, in a process of its own.

Some valid models make the interpreter abort; that must end a test, not the test run.
"""

from __future__ import annotations

import pickle
import struct
import subprocess
import sys
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[2]
ARENA_BYTES = 4 << 20


class TflmError(RuntimeError):
    """The interpreter refused the model, or its process ended."""


class Tflm:
    """Serves any number of models; starts its process again after it aborted."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()

    def _stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def _start(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.support.tflm_worker"],
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
        return self._process

    def tensors(
        self, model: bytes, inputs: list[NDArray[np.int8]], tensors: list[int]
    ) -> dict[int, NDArray[np.int8]]:
        """Runs ``model`` (a .tflite file's bytes) once; the values of the listed tensors.

        Raises:
            TflmError: TFLM refused the model or aborted.
        """
        process = self._start()
        assert process.stdin is not None
        assert process.stdout is not None
        request = pickle.dumps((model, inputs, tensors, ARENA_BYTES))
        process.stdin.write(struct.pack("<I", len(request)) + request)
        process.stdin.flush()
        header = process.stdout.read(4)
        if len(header) < 4:
            self._stop()
            raise TflmError("the interpreter aborted")
        answer = pickle.loads(process.stdout.read(struct.unpack("<I", header)[0]))
        if isinstance(answer, Exception):
            raise TflmError(str(answer))
        found: dict[int, NDArray[np.int8]] = answer
        return found
