"""What a board must answer: the expected output of one inference, and its checksum.

TFLM itself is asked where its package is installed (x86-64 Linux), the NumPy
kernels elsewhere, or where TFLM refuses the file. Both have the same arithmetic.
"""

from __future__ import annotations

import hashlib
import importlib.util
import subprocess
import sys
import tempfile
import zlib
from collections.abc import Sequence
from pathlib import Path

import attrs
import numpy as np
from numpy.typing import NDArray

from host.compiler.passes.cut_edges import cut_float_edges
from host.models.graph import DType, Graph
from host.once import OnceCache
from host.reference import tflm_process
from host.reference.inference import reference_run

ARITHMETIC = "tflm-double"
"""gemmlowp's double rounding, as TFLM's reference kernels have it."""

TFLM_DEADLINE_S = 120.0
_TFLM_SAMPLE_S = 2.0
"""What each further sample may add."""
_KEPT_ANSWERS = 64
"""Of TFLM, which starts for each: a rack asks the same for many boards, and again and again."""


@attrs.frozen
class ExpectedOutput:
    """Outputs in the order of the contract; ``source`` is ``tflite-micro`` or ``numpy``."""

    outputs: tuple[NDArray[np.int8], ...]
    arithmetic: str
    source: str

    @property
    def crc32(self) -> int:
        """Over all outputs' bytes, one after another."""
        return zlib.crc32(b"".join(output.tobytes() for output in self.outputs))


def expected_output(graph: Graph, model: bytes, inputs: Sequence[bytes]) -> ExpectedOutput:
    """What one inference on the int8 bytes of each input must give.

    ``graph`` is the graph as imported from ``model``, the file's bytes; inputs are those of
    the compiled contract, in its order.

    Raises:
        ModelError: the graph is not int8.
        ValueError: an input has the wrong number or size.
    """
    cut = cut_float_edges(graph)
    arrays = [
        np.frombuffer(data, dtype=np.int8).reshape(graph.tensors[index].shape)
        for index, data in zip(cut.inputs, inputs, strict=True)
    ]
    tensors = _run_tflm_once(graph, model, arrays, cut.outputs)
    source = "tflite-micro"
    if tensors is None:
        tensors, source = reference_run(graph, arrays), "numpy"
    outputs = tuple(tensors[index] for index in cut.outputs)
    return ExpectedOutput(outputs, ARITHMETIC, source)


def expected_outputs(
    graph: Graph, model: bytes, inputs: Sequence[NDArray[np.int8]]
) -> tuple[tuple[NDArray[np.int8], ...], str]:
    """What one inference on each of n samples must give.

    Args:
        graph: as imported from ``model``, the file's bytes.
        inputs: of the compiled contract, in its order, each of shape (n, *its shape).

    Returns:
        The outputs in the contract's order, each of shape (n, *its shape); and their source,
        ``tflite-micro`` or ``numpy``.

    Raises:
        ModelError: the graph is not int8.
    """
    outputs = cut_float_edges(graph).outputs
    tensors = run_tflm_on_samples(graph, model, inputs, outputs)
    if tensors is not None:
        return tuple(tensors[index] for index in outputs), "tflite-micro"
    runs = [reference_run(graph, sample) for sample in zip(*inputs, strict=True)]
    return tuple(np.stack([run[index] for run in runs]) for index in outputs), "numpy"


class _NoAnswer(Exception):
    """TFLM gave none; it is asked again the next time, which may not be as busy."""


_answers: OnceCache[dict[int, NDArray[np.int8]]] = OnceCache(_KEPT_ANSWERS)


def _run_tflm_once(
    graph: Graph, model: bytes, inputs: Sequence[NDArray[np.int8]], tensors: Sequence[int]
) -> dict[int, NDArray[np.int8]] | None:
    """As :func:`run_tflm`, once for the same question."""

    def ask() -> dict[int, NDArray[np.int8]]:
        found = run_tflm(graph, model, inputs, tensors)
        if found is None:
            raise _NoAnswer
        return found

    digest = hashlib.sha256(model).digest()
    samples = tuple(array.tobytes() for array in inputs)
    try:
        return _answers.get((digest, graph.source_format, samples, tuple(tensors)), ask)
    except _NoAnswer:
        return None


def run_tflm(
    graph: Graph, model: bytes, inputs: Sequence[NDArray[np.int8]], tensors: Sequence[int]
) -> dict[int, NDArray[np.int8]] | None:
    """Values of ``tensors`` (graph indices) after one inference on TFLM.

    ``None`` where TFLM is not installed, refuses the model, aborts, or exceeds its deadline.
    """
    found = run_tflm_on_samples(graph, model, [array[np.newaxis] for array in inputs], tensors)
    return None if found is None else {index: values[0] for index, values in found.items()}


def run_tflm_on_samples(
    graph: Graph, model: bytes, inputs: Sequence[NDArray[np.int8]], tensors: Sequence[int]
) -> dict[int, NDArray[np.int8]] | None:
    """The same of n inferences: ``inputs`` and what is returned are of shape (n, *tensor's)."""
    if graph.source_format != "tflite" or importlib.util.find_spec("tflite_micro") is None:
        return None
    request: dict[str, NDArray[np.generic]] = {
        "model": np.frombuffer(model, dtype=np.uint8),
        "tensors": np.array(tensors, dtype=np.int64),
    }
    samples = len(inputs[0])
    cut = cut_float_edges(graph)
    for position, (index, array) in enumerate(zip(graph.inputs, inputs, strict=True)):
        request[f"input_{position}"] = _as_declared(graph, index, cut.inputs[position], array)
    with tempfile.TemporaryDirectory() as directory:
        request_path, answer_path = Path(directory, "request.npz"), Path(directory, "answer.npz")
        np.savez(request_path, allow_pickle=False, **request)
        command = [
            sys.executable,
            "-P",
            tflm_process.__file__,
            *map(str, (request_path, answer_path)),
        ]
        try:
            subprocess.run(
                command,
                check=True,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                timeout=TFLM_DEADLINE_S + (samples - 1) * _TFLM_SAMPLE_S,
            )
            with np.load(answer_path) as answer:
                return {
                    index: answer[f"tensor_{index}"].reshape(samples, *graph.tensors[index].shape)
                    for index in tensors
                }
        except (subprocess.SubprocessError, OSError):
            return None


def _as_declared(
    graph: Graph, declared: int, contract: int, array: NDArray[np.int8]
) -> NDArray[np.generic]:
    """An int8 input of the contract in the dtype that the file declares for it."""
    if graph.tensors[declared].dtype is not DType.FLOAT32:
        return array
    quantization = graph.tensors[contract].quantization
    assert quantization is not None  # behind a QUANTIZE
    centred = array.astype(np.float32) - np.float32(quantization.zero_point)
    return centred * np.float32(quantization.scale)
