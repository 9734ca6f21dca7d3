"""The requirement vector: what a model needs of a board, measured (``profile.json``)."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any, Self

import attrs
import jsonschema

from host.errors import ConfigError

_POSITIVE = {"type": "number", "exclusiveMinimum": 0}
_SHAPE = {"type": "array", "minItems": 1, "items": {"type": "integer", "minimum": 1}}


def _or_null(schema: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [schema, {"type": "null"}]}


FIELDS: dict[str, dict[str, Any]] = {
    "flops": {"type": "integer", "minimum": 0},
    "peak_ram_kb": _POSITIVE,
    "latency_cpu_ms": _or_null(_POSITIVE),
    "latency_dxm1_ms": _or_null(_POSITIVE),
    "throughput_fps": _or_null(_POSITIVE),
    "int8_error_mean": _or_null({"type": "number", "minimum": 0}),
    "int4_error_mean": _or_null({"type": "number", "minimum": 0}),
    "input_shape": _SHAPE,
    "output_shape": _SHAPE,
}
"""Exactly these, and ``details``; the schema of each."""

SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": list(FIELDS),
    "properties": {
        **FIELDS,
        "details": {
            "type": "object",
            "properties": {
                "model": {
                    "type": "object",
                    "required": ["path", "sha256"],
                    "properties": {"path": {"type": "string"}, "sha256": {"type": "string"}},
                },
                "errors": {
                    "type": "object",
                    "additionalProperties": {
                        "type": "object",
                        "required": ["mean", "relative_mean"],
                        "properties": {
                            "mean": {"type": "number", "minimum": 0},
                            "relative_mean": {"type": "number", "minimum": 0},
                        },
                    },
                },
                "calibration": {
                    "type": "object",
                    "required": ["source"],
                    "properties": {"source": {"type": "string"}},
                },
                "candidates": {
                    "type": "object",
                    "additionalProperties": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
                },
                "output_range": {
                    "type": "array",
                    "minItems": 2,
                    "maxItems": 2,
                    "items": {"type": "number"},
                },
                "plans": {
                    "type": "object",
                    "additionalProperties": {
                        "type": "object",
                        "required": ["plan_bytes", "arena_bytes", "ops"],
                        "properties": {
                            "plan_bytes": {"type": "integer", "minimum": 1},
                            "arena_bytes": {"type": "integer", "minimum": 1},
                            "ops": {"type": "array", "items": {"type": "string"}},
                        },
                    },
                },
            },
        },
    },
}


def _refused(constant: str) -> float:
    raise ValueError(f"holds {constant}, which is no number")


def _finite(text: str) -> float:
    value = float(text)
    return value if math.isfinite(value) else _refused(text)


@attrs.frozen
class PlanFacts:
    """What one precision's plan takes; ``ops`` are the kinds it needs kernels for."""

    plan_bytes: int
    arena_bytes: int
    ops: frozenset[str]


@attrs.frozen
class GateError:
    """The error that is held against the tolerance.

    Of the output's range (``relative``) where outputs are not within 0..1, else absolute.
    """

    mean: float
    relative: bool


@attrs.frozen(kw_only=True)
class RequirementVector:
    """The nine fields and ``details``; latencies in milliseconds, memory in KiB.

    Errors are mean absolute differences from the float32 output over the hold-out.
    """

    flops: int
    peak_ram_kb: float
    latency_cpu_ms: float | None
    latency_dxm1_ms: float | None
    throughput_fps: float | None
    int8_error_mean: float | None
    int4_error_mean: float | None
    input_shape: tuple[int, ...]
    output_shape: tuple[int, ...]
    details: dict[str, Any] = attrs.field(factory=dict)

    @classmethod
    def read(cls, path: Path) -> Self:
        """Reads ``profile.json``; one with the nine fields alone is whole.

        Raises:
            ConfigError: it cannot be read, or a field is missing, unknown or of the wrong type.
        """
        try:
            values = json.loads(
                path.read_text(encoding="utf-8"), parse_constant=_refused, parse_float=_finite
            )
        except OSError as error:
            raise ConfigError(f"{path}: {error.strerror or error}") from error
        except UnicodeDecodeError as error:
            raise ConfigError(f"{path}: not UTF-8: {error.reason}") from error
        except json.JSONDecodeError as error:
            raise ConfigError(
                f"{path}: line {error.lineno}, column {error.colno}: {error.msg}"
            ) from error
        except (ValueError, RecursionError) as error:
            raise ConfigError(f"{path}: {error}") from error
        broken = jsonschema.exceptions.best_match(
            jsonschema.Draft202012Validator(SCHEMA).iter_errors(values)
        )
        if broken is not None:
            field = broken.json_path.removeprefix("$").removeprefix(".") or "the profile"
            raise ConfigError(
                f"{path}: {field}: {broken.message}",
                hint="`host profile MODEL --output profile.json` writes one",
            )
        return cls.from_dict(values)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """Of values that the schema has passed."""
        return cls(
            **{name: values[name] for name in FIELDS if not name.endswith("_shape")},
            input_shape=tuple(values["input_shape"]),
            output_shape=tuple(values["output_shape"]),
            details=values.get("details", {}),
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values in the order of the fields."""
        values = attrs.asdict(self)
        shapes = {name: list(values[name]) for name in ("input_shape", "output_shape")}
        ordered = {name: shapes.get(name, values[name]) for name in FIELDS}
        return {**ordered, "details": self.details} if self.details else ordered

    def to_json(self) -> str:
        return json.dumps(self.to_dict(), indent=2, ensure_ascii=False, allow_nan=False)

    @property
    def model_path(self) -> Path | None:
        """Where the model was when it was profiled."""
        model = self.details.get("model")
        return Path(model["path"]) if model else None

    @property
    def model_sha256(self) -> str | None:
        model = self.details.get("model")
        return str(model["sha256"]) if model else None

    @property
    def packed_alone(self) -> bool:
        """Whether the model was given with int4 weights: it has no other form."""
        return set(self.details.get("candidates", {})) == {"int4"}

    def error(self, precision: str) -> GateError | None:
        """The error of a precision; None where it is not known. Floats have none."""
        if precision.startswith("float"):
            return GateError(0.0, relative=False)
        absolute = {"int8": self.int8_error_mean, "int4": self.int4_error_mean}.get(precision)
        if absolute is None:
            return None
        low, high = self.details.get("output_range", (0.0, 1.0))
        errors = self.details.get("errors", {}).get(precision)
        if errors is not None and not 0.0 <= low <= high <= 1.0:
            return GateError(float(errors["relative_mean"]), relative=True)
        return GateError(absolute, relative=False)

    def plan(self, precision: str) -> PlanFacts | None:
        """The plan of a precision; None where the profile has the nine fields alone."""
        facts = self.details.get("plans", {}).get(precision)
        if facts is None:
            return None
        return PlanFacts(facts["plan_bytes"], facts["arena_bytes"], frozenset(facts["ops"]))
