"""Finds the importer for a model file by its content."""

from __future__ import annotations

import hashlib
from pathlib import Path

from host.errors import ConfigError, ModelError
from host.models import tflite_importer, torch_importer
from host.models.graph import Graph

MAX_FILE_BYTES = 1 << 31


def load_model(path: str | Path) -> Graph:
    """Reads the model at ``path``, whatever its name's ending.

    Raises:
        ConfigError: there is no such file, it cannot be read, or needs a package that is not
            installed.
        ModelError: its content is of no known format, corrupt or not supported.
    """
    path = Path(path)
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise ModelError(f"{path}: larger than 2 GB; such a model runs on no board here")
        data = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror or error}; name a model file") from error
    if not data:
        raise ModelError(f"{path}: the file is empty; export or download the model again")
    return _import(data, path)


def _import(data: bytes, path: Path) -> Graph:
    digest, where = hashlib.sha256(data), str(path)
    torch_format = torch_importer.torch_format(data)
    if tflite_importer.is_tflite(data):
        graph = tflite_importer.import_tflite(data, where)
    elif torch_format is not None:
        graph = torch_importer.import_torch(data, torch_format, where)
    else:
        graph = _import_onnx(data, path, digest)
    graph.name = path.stem  # messages name the file
    graph.sha256 = digest.hexdigest()
    return graph


def _import_onnx(data: bytes, path: Path, digest: hashlib._Hash) -> Graph:
    """``digest`` takes in the files beside ``path`` that hold the model's weights."""
    # onnx takes as long to import as all the rest of a command.
    from host.models import onnx_importer

    if not onnx_importer.is_onnx(data):
        raise ModelError(
            f"{path}: no known model format; supported: .tflite, .onnx, .pt2, TorchScript"
        )
    graph = onnx_importer.import_onnx(data, str(path), path.parent)
    for name in onnx_importer.external_files(data):
        digest.update((path.parent / name).read_bytes())
    return graph
