"""The manifest of a golden set: what is said of its archives, as canonical JSON."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs
from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

from hil.golden.golden_set import GoldenSet
from host.compiler import TensorContract
from host.errors import ConfigError

SCHEMA_PATH = Path(__file__).with_name("golden.schema.json")
MANIFEST = "manifest.json"

_AGAIN = "restore the set from where it was kept, or make it again with `host golden make`"


def refused(path: Path, why: str) -> ConfigError:
    """What a set that is not as it was made is met with."""
    return ConfigError(f"golden set {path}: {why}", hint=_AGAIN)


def manifest_of(golden: GoldenSet, archives: Mapping[str, bytes]) -> bytes:
    """The manifest's text; ``archives`` are the files beside it, by name."""
    values = {
        "schema": "golden/1",
        "model": attrs.asdict(golden.model),
        "data": golden.data,
        "reference": {"arithmetic": golden.arithmetic, "source": golden.source},
        "float_reference": None
        if golden.float_reference is None
        else attrs.asdict(golden.float_reference),
        "decision": {
            "kind": str(golden.rule.kind),
            "reject_threshold": golden.rule.reject_threshold,
        },
        "tolerance": attrs.asdict(golden.tolerance),
        "inputs": [_contract(entry) for entry in golden.input_contracts],
        "outputs": [_contract(entry) for entry in golden.output_contracts],
        "samples": list(golden.digests),
        "files": {
            name: {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
            for name, data in archives.items()
        },
    }
    return _canonical({**values, "sha256": _digest(values)}).encode()


def read_manifest(folder: Path) -> dict[str, Any]:
    """Checked against the schema and its own digest.

    Raises:
        ConfigError: it is not there, cut short or altered.
    """
    path = folder / MANIFEST
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ConfigError(
            f"golden set {path}: {error.strerror or error}",
            hint="`host golden make` makes a set: a folder NAME.golden with its manifest",
        ) from error
    try:
        values = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise refused(path, f"not whole JSON, perhaps cut short: {error}") from error
    schema = json.loads(SCHEMA_PATH.read_text(encoding="utf-8"))
    wrong = best_match(Draft202012Validator(schema).iter_errors(values))
    if wrong is not None:
        raise refused(path, f"{wrong.json_path}: {wrong.message}")
    if not _is_as_made(values, data):
        raise refused(path, "altered after it was made: its SHA-256 is not the one it names")
    return dict(values)


def _is_as_made(values: Mapping[str, Any], data: bytes) -> bool:
    rest = {key: value for key, value in values.items() if key != "sha256"}
    try:
        return bool(values["sha256"] == _digest(rest) and data == _canonical(values).encode())
    except ValueError:  # a number that is not finite
        return False


def _contract(entry: TensorContract) -> dict[str, Any]:
    return {**attrs.asdict(entry), "shape": list(entry.shape)}


def _canonical(values: Mapping[str, Any]) -> str:
    return json.dumps(values, indent=1, sort_keys=True, allow_nan=False) + "\n"


def _digest(values: Mapping[str, Any]) -> str:
    return hashlib.sha256(_canonical(values).encode()).hexdigest()
