"""The target declaration that a bundle rests on (``target.json``)."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import attrs
import jsonschema

from host.errors import ConfigError
from host.targeting import candidates
from host.targeting.vector import SCHEMA as VECTOR_SCHEMA
from host.targeting.vector import RequirementVector

_TEXT_OR_NULL = {"type": ["string", "null"]}
_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": [
        *("target", "domain", "backend", "engine", "precision"),
        *("met", "targeting_version", "tolerance", "limits", "profile", "devices"),
    ],
    "properties": {
        **dict.fromkeys(("target", "domain", "backend", "engine", "precision"), _TEXT_OR_NULL),
        "met": {"type": "boolean"},
        "tolerance": {"type": "number"},
        "targeting_version": {"type": "string"},
        "limits": {
            "type": "object",
            "required": ["latency_budget_ms"],
            "properties": {"latency_budget_ms": {"type": ["number", "null"]}},
        },
        "profile": VECTOR_SCHEMA,
        "devices": {"type": "array", "items": {"type": "object", "required": ["id", "sites"]}},
    },
}


@attrs.frozen(kw_only=True)
class Declaration:
    """What of a declaration a bundle repeats, and its bytes as they were read."""

    path: Path
    data: bytes
    board: str | None
    domain: str | None
    backend: str | None
    engine: str | None
    precision: str | None
    met: bool
    tolerance: float
    latency_budget_ms: float | None
    targeting_version: str
    vector: RequirementVector
    measured_plans: frozenset[int]
    """CRC-32 of each plan that one of its measurements ran, on whatever board."""

    def model(self, given: Path | None) -> Path:
        """The file that goes to the board: ``given``, or what was measured for the declaration.

        A float model that was profiled stands for its candidate of the declared precision.

        Raises:
            ConfigError: it is not there, or is not the model of the declaration.
        """
        hashes = self.vector.details.get("candidates", {})
        wanted = hashes.get(self.precision)
        if given is not None:
            digest = _sha256(given)
            if digest == wanted or (wanted is None and digest == self.vector.model_sha256):
                return given
            if digest != self.vector.model_sha256:
                raise ConfigError(
                    f"{given} is not the model that {self.path} is about",
                    hint=f"`host target {given} --output {self.path.name}` makes one for it",
                )
        found = candidates.find(self.vector).get(self.precision or "")
        if found is None:
            raise ConfigError(
                f"{self.path}: the {self.precision} model behind it is gone",
                hint="name the quantized model",
            )
        return found


def read_declaration(path: Path) -> Declaration:
    """Reads what `host target --output` wrote.

    Raises:
        ConfigError: it cannot be read, or is no declaration.
    """
    try:
        data = path.read_bytes()
        values = json.loads(data)
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{path}: not JSON: {error}") from error
    broken = jsonschema.exceptions.best_match(
        jsonschema.Draft202012Validator(_SCHEMA).iter_errors(values)
    )
    if broken is not None:
        raise ConfigError(
            f"{path}: {broken.json_path}: {broken.message[:200]}",
            hint="`host target MODEL --output target.json` writes one",
        )
    return Declaration(
        path=path,
        data=data,
        board=values["target"],
        domain=values["domain"],
        backend=values["backend"],
        engine=values["engine"],
        precision=values["precision"],
        met=values["met"],
        tolerance=values["tolerance"],
        latency_budget_ms=values["limits"]["latency_budget_ms"],
        targeting_version=values["targeting_version"],
        vector=RequirementVector.from_dict(values["profile"]),
        measured_plans=frozenset(_measured_plans(values["devices"])),
    )


def _measured_plans(devices: list[dict[str, Any]]) -> list[int]:
    sites = [site for device in devices for site in device["sites"]]
    records = [site.get("measurement") for site in sites]
    return [record["candidate"]["plan_crc32"] for record in records if record]


def _sha256(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror or error}") from error
