"""The quantized models behind a profile, kept by their content."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

import platformdirs

from host.errors import JumpstationError
from host.files import write_bytes
from host.targeting.profiler import profile_model
from host.targeting.vector import RequirementVector


def keep(candidates: Mapping[str, bytes]) -> dict[str, Path]:
    """Files of the candidates, by precision, in the user's cache."""
    folder = platformdirs.user_cache_path("jumpstation", appauthor=False) / "candidates"
    folder.mkdir(parents=True, exist_ok=True)
    kept = {}
    for precision, data in candidates.items():
        path = _path(folder, hashlib.sha256(data).hexdigest())
        if not path.is_file():
            write_bytes(path, data)
        kept[precision] = path
    return kept


def find(vector: RequirementVector) -> dict[str, Path]:
    """The candidates of a profile: from the cache, else made again from the model where it is.

    Nothing is found of a profile with the nine fields alone, or whose model is gone.
    """
    hashes: dict[str, str] = vector.details.get("candidates", {})
    folder = platformdirs.user_cache_path("jumpstation", appauthor=False) / "candidates"
    kept = {precision: _path(folder, digest) for precision, digest in hashes.items()}
    if all(path.is_file() for path in kept.values()):
        return kept
    model, source = vector.model_path, vector.details.get("calibration", {}).get("source")
    if model is None or not model.is_file():
        return {}
    data = None if source in (None, "synthetic") else Path(source)
    try:
        made = profile_model(model, data).candidates
    except JumpstationError:
        return {}
    found = keep(made)
    return {
        precision: path
        for precision, path in found.items()
        if hashes.get(precision) == path.stem  # the profile's errors are those of these bytes
    }


def _path(folder: Path, digest: str) -> Path:
    return folder / f"{digest}.tflite"
