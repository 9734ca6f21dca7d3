"""What a teacher says of samples, computed once."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import attrs
import numpy as np
import platformdirs
from numpy.typing import NDArray

from host.distillation.inference import TfliteRunner
from host.errors import ConfigError, ModelError
from host.files import write_bytes
from host.models import load_model
from host.models.graph import DType, Graph, OpKind
from host.models.tflite_writer import write_float_tflite

_FORMAT = "1"
"""Of a kept file, and of the runner behind it: another number and nothing old is found."""


@attrs.frozen(eq=False)
class Teacher:
    """A model to learn from: float, or quantized as ``.tflite``. Run with LiteRT, batch 1."""

    path: Path
    graph: Graph

    @classmethod
    def read(cls, path: Path) -> Teacher:
        """Raises ConfigError or ModelError where the model cannot be read."""
        return cls(path, load_model(path))

    @property
    def input_shape(self) -> tuple[int, ...]:
        return self.graph.tensors[self.graph.inputs[0]].shape

    @property
    def output_shape(self) -> tuple[int, ...]:
        return self.graph.tensors[self.graph.outputs[0]].shape

    @property
    def last_kind(self) -> OpKind | None:
        """Of the op that computes the output, past what only moves or converts it."""
        wanted = self.graph.outputs[0]
        for op in reversed(self.graph.ops):
            if wanted not in op.outputs:
                continue
            if op.kind in (OpKind.RESHAPE, OpKind.QUANTIZE, OpKind.DEQUANTIZE):
                assert op.inputs[0] is not None
                wanted = op.inputs[0]
                continue
            return op.kind
        return None

    def outputs(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Output 0 of each sample as real numbers, [n, elements]; kept in the user's cache.

        Raises:
            ModelError: LiteRT refuses the model.
            ConfigError: the cache cannot be written.
        """
        kept = self._cache(samples)
        elements = int(np.prod(self.output_shape))
        found = _read(kept, (len(samples), elements))
        if found is not None:
            return found
        computed = TfliteRunner(self._tflite(), optimized=True).run_all(samples)
        if not np.isfinite(computed).all():
            raise ModelError(f"{self.path}: the teacher's output is not finite")
        written = io.BytesIO()
        np.save(written, computed)
        try:
            kept.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(f"{kept.parent}: {error.strerror or error}") from error
        write_bytes(kept, written.getvalue())
        return computed

    def _tflite(self) -> bytes:
        if any(tensor.dtype is DType.INT8 for tensor in self.graph.tensors):
            return self.path.read_bytes()
        return write_float_tflite(self.graph)

    def _cache(self, samples: NDArray[np.float32]) -> Path:
        digest = hashlib.sha256(f"{_FORMAT} {self.graph.sha256} {samples.shape}".encode())
        digest.update(np.ascontiguousarray(samples, "<f4").tobytes())
        folder = platformdirs.user_cache_path("jumpstation", appauthor=False) / "teachers"
        return folder / f"{digest.hexdigest()}.npy"


def _read(path: Path, shape: tuple[int, int]) -> NDArray[np.float32] | None:
    """None where there is no such file, or not a whole one."""
    try:
        values: NDArray[np.float32] = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    return values if values.shape == shape and values.dtype == np.float32 else None
