"""Reads PyTorch's files: torch exports them to ONNX in a process of its own, we read that.

torch is an extra of 900 MB, and this its only use but training; in a child it can neither print,
crash nor take memory at the expense of the command. Like every program that loads such a file,
it may run code that the file brings along: read files of people you trust. (The child is told
to unpickle tensors alone, but torch evaluates the symbolic shapes of a ``.pt2`` as Python.)
"""

from __future__ import annotations

import importlib.util
import io
import json
import os
import pickle
import subprocess
import sys
import tempfile
import zipfile
from enum import Enum
from pathlib import Path
from typing import Any

from host.errors import ConfigError, ModelError
from host.models.graph import Graph

EXPORT_TIMEOUT_S = 600
_LEGACY_MAGIC = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19."
"""``torch.save`` before 1.6: a pickle of this number comes first."""
_NEEDED_PACKAGES = ("torch", "onnxscript")


class TorchFormat(Enum):
    """What a file of PyTorch's holds; the values are those of ``Graph.source_format``."""

    PT2 = "pt2"
    TORCHSCRIPT = "torchscript"
    PICKLE = "pickle"
    """``torch.save`` of a state dict or of a module: weights, and no graph."""


def torch_format(data: bytes) -> TorchFormat | None:
    """Which of PyTorch's formats ``data`` is, by the members of its archive; ``None``: none."""
    if data.startswith(_LEGACY_MAGIC):
        return TorchFormat.PICKLE
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        return None
    # Each lies in a folder that is named after the file; the first .pt2 archives had none.
    inside = {name.partition("/")[2] for name in names}
    if "archive_format" in inside or "serialized_exported_program.json" in names:
        return TorchFormat.PT2
    if "constants.pkl" in inside and any(name.startswith("code/") for name in inside):
        return TorchFormat.TORCHSCRIPT
    return TorchFormat.PICKLE if "data.pkl" in inside else None


def import_torch(data: bytes, kind: TorchFormat, name: str) -> Graph:
    """The graph in the bytes of a ``.pt2`` or TorchScript file.

    Raises:
        ConfigError: torch is not installed.
        ModelError: the file holds no graph, does not say its input's shape, or torch or the
            ONNX importer refuses it.
    """
    # onnx takes as long to import as all the rest of a command.
    from host.models import onnx_importer

    if kind is TorchFormat.PICKLE:
        raise ModelError(
            f"{name}: holds pickled weights (a state dict or a module) and no graph; "
            "export the model with torch.export.save (.pt2) or torch.jit.trace"
        )
    shapes = _traced_shapes(data, name) if kind is TorchFormat.TORCHSCRIPT else []
    missing = [package for package in _NEEDED_PACKAGES if importlib.util.find_spec(package) is None]
    if missing:
        raise ConfigError(
            f"{name}: a PyTorch file is read with {' and '.join(missing)}, not installed here; "
            "run `.venv/bin/python -m pip install '.[torch]'` (torch's CPU build is enough), or "
            "export the model as .onnx"
        )
    graph = onnx_importer.import_onnx(_exported(data, kind, shapes, name), name)
    graph.source_format = kind.value
    return graph


def _exported(data: bytes, kind: TorchFormat, shapes: list[list[int]], name: str) -> bytes:
    """The model as ONNX, by ``host.models.torch_export`` in a child."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "model"), Path(folder, "model.onnx")
        source.write_bytes(data)
        arguments = [kind.value, str(source), str(target), json.dumps(shapes)]
        try:
            done = subprocess.run(
                [sys.executable, "-m", "host.models.torch_export", *arguments],
                env={**os.environ, "TORCH_FORCE_WEIGHTS_ONLY_LOAD": "1"},
                capture_output=True,
                text=True,
                errors="replace",
                timeout=EXPORT_TIMEOUT_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise ModelError(
                f"{name}: torch's export took more than {EXPORT_TIMEOUT_S} s; export it as .onnx"
            ) from None
        if done.returncode == 0 and target.is_file():
            return target.read_bytes()
        last_line = next(reversed(done.stderr.strip().splitlines()), "")
        reason = last_line if done.returncode == 1 else f"it ended with status {done.returncode}"
        raise ModelError(f"{name}: torch cannot export it to ONNX: {reason}")


class _ShapeReader(pickle.Unpickler):
    """Unpickles what torch.jit.trace noted of its example inputs, each tensor as its shape.

    Nothing but tensors and plain containers is let in.
    """

    _ALLOWED = frozenset(
        {
            ("torch.jit._pickle", "restore_type_tag"),
            ("torch._utils", "_rebuild_tensor_v2"),
            ("collections", "OrderedDict"),
            ("torch", "FloatStorage"),
        }
    )

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in self._ALLOWED:
            raise pickle.UnpicklingError(f"{module}.{name} is no float32 tensor")
        return {
            "restore_type_tag": lambda value, _tag: value,
            "_rebuild_tensor_v2": lambda _storage, _offset, size, *_rest: list(size),
            "OrderedDict": dict,
            "FloatStorage": None,
        }[name]

    def persistent_load(self, _pid: Any) -> None:
        """A tensor's storage, which its shape does without."""


def _traced_shapes(data: bytes, name: str) -> list[list[int]]:
    """Shapes of the example inputs that a traced module keeps, with a batch of 1.

    TorchScript names no others, and a batch is the example's, not the model's.
    """
    reason = "it was scripted or frozen"
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        member = next((n for n in archive.namelist() if n.endswith("/traced_inputs.pkl")), None)
        try:
            if member is not None:
                found = _ShapeReader(io.BytesIO(archive.read(member))).load()["forward"]
                if found and all(isinstance(shape, list) for shape in found):
                    return [[1, *shape[1:]] if len(shape) > 1 else shape for shape in found]
                reason = "its inputs are not tensors"
        except Exception as error:  # of a corrupt pickle or archive, which may raise anything
            reason = str(error) or type(error).__name__
    raise ModelError(
        f"{name}: the TorchScript file does not tell the shape of its input ({reason}); "
        "save what torch.jit.trace returns, or export the model as .pt2 or .onnx"
    )
