"""The quantized models behind a profile, kept by their content."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

import platformdirs

from host.distillation.calibration import SYNTHETIC
from host.errors import ConfigError, JumpstationError
from host.files import write_bytes
from host.targeting.profiler import Progress, profile_model
from host.targeting.vector import RequirementVector


def keep(candidates: Mapping[str, bytes]) -> dict[str, Path]:
    """Files of the candidates, by precision, in the user's cache.

    Raises:
        ConfigError: the cache cannot be written.
    """
    kept = {}
    for precision, data in candidates.items():
        path = _path(hashlib.sha256(data).hexdigest())
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(f"{path.parent}: {error.strerror or error}") from error
        if not _is_whole(path):
            write_bytes(path, data)
        kept[precision] = path
    return kept


def find(vector: RequirementVector, progress: Progress = lambda _: None) -> dict[str, Path]:
    """The candidates of a profile: from the cache, else made again from the model where it is.

    Nothing is found of a profile with the nine fields alone, or whose model is gone or another:
    the profile's errors are those of just these bytes.
    """
    hashes: dict[str, str] = vector.details.get("candidates", {})
    kept = {precision: _path(digest) for precision, digest in hashes.items()}
    if kept and all(map(_is_whole, kept.values())):
        return kept
    model, source = vector.model_path, vector.details.get("calibration", {}).get("source")
    if model is None or not model.is_file():
        return {}
    data = None if source in (None, SYNTHETIC) else Path(source)
    try:
        made = profile_model(model, data, progress)
    except JumpstationError:
        return {}
    if made.vector.model_sha256 != vector.model_sha256:
        return {}
    return {
        precision: path
        for precision, path in keep(made.candidates).items()
        if hashes.get(precision, path.stem) == path.stem
    }


def _path(digest: str) -> Path:
    folder = platformdirs.user_cache_path("jumpstation", appauthor=False) / "candidates"
    return folder / f"{digest}.tflite"


def _is_whole(path: Path) -> bool:
    """Whether a file is there and holds what it is named after."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest() == path.stem
    except OSError:
        return False
