"""The measurement record: what ``--json`` prints and the history stores.

A value that is not known is ``None`` (``null``), never a guess. The JSON form
is checked against ``measurement.schema.json``, which is made from these classes.
"""

from __future__ import annotations

import functools
import json
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal

import attrs
import jsonschema

from protocol.records import build, plain, schema_of

SCHEMA_PATH = Path(__file__).with_name("measurement.schema.json")


class RecordError(ValueError):
    """A JSON value that is not a measurement record; the text names the field."""


class Source(StrEnum):
    HARDWARE = "hardware"
    EMULATED = "emulated"
    SIMULATED = "simulated"


class Fidelity(StrEnum):
    SILICON = "silicon"
    CYCLE = "cycle"
    CYCLE_ESTIMATE = "cycle-estimate"
    ISA_PROXY = "isa-proxy"
    MODEL = "model"


class Verdict(StrEnum):
    EXACT = "exact"
    MISMATCH = "mismatch"
    NONDETERMINISTIC = "nondeterministic"
    UNCHECKED = "unchecked"


@attrs.frozen(kw_only=True)
class Model:
    name: str
    sha256: str
    format: str


@attrs.frozen(kw_only=True)
class Candidate:
    """What was sent to the board: a plan, or the model itself where an engine there loads it.

    ``plan_bytes`` and ``plan_crc32`` are of what was sent; ``macs``: multiply-accumulates of one
    inference.
    """

    precision: str
    plan_bytes: int
    plan_crc32: int
    macs: int | None


@attrs.frozen(kw_only=True)
class Board:
    id: str
    domain: str
    uid: str | None = None
    core: str | None = None
    clock_hz: int | None = None
    firmware: str | None = None
    build: str | None = None
    engine: str | None = None
    reset_cause: str | None = None
    boot_count: int | None = None


@attrs.frozen(kw_only=True)
class Evidence:
    """Where the numbers come from. ``error_band_pct`` is the half-width against silicon."""

    source: Source
    fidelity: Fidelity
    emulator: str | None = None
    error_band_pct: float | None = None


@attrs.frozen(kw_only=True)
class LatencyMs:
    """Statistics over ``n`` timed iterations, in milliseconds; ``first`` is the warm-up's first."""

    n: int
    warmup: int
    first: float | None
    min: float
    median: float
    mean: float
    p95: float
    p99: float
    max: float
    stdev: float | None = None
    ci95: tuple[float, float] | None = None


@attrs.frozen(kw_only=True)
class Cycles:
    min: int
    median: float
    max: int
    instructions: int | None = None


@attrs.frozen(kw_only=True)
class Memory:
    """Bytes. ``arena_bytes`` and ``stack_bytes`` are high-water marks."""

    arena_bytes: int | None = None
    arena_available_bytes: int | None = None
    stack_bytes: int | None = None
    static_bytes: int | None = None
    plan_store: str | None = None
    rss_bytes: int | None = None
    peak_rss_bytes: int | None = None


@attrs.frozen(kw_only=True)
class Input:
    """``source``: ``seeded`` or the file the input came from."""

    crc32: int
    source: str
    seed: int | None = None


@attrs.frozen(kw_only=True)
class Output:
    """``unstable_at``: first iteration whose output differed; ``arithmetic`` names the oracle's."""

    crc32: int
    expected_crc32: int | None = None
    unstable_at: int | None = None
    verdict: Verdict
    arithmetic: str | None = None


@attrs.frozen(kw_only=True)
class OpProfile:
    index: int
    kind: str
    cycles: int
    macs: int


@attrs.frozen(kw_only=True)
class Conditions:
    """``temperature_c``: before and after."""

    power_mode: str | None = None
    governor: str | None = None
    temperature_c: tuple[float, float] | None = None
    throttled: bool | None = None


@attrs.frozen(kw_only=True)
class Energy:
    mj_per_inference: float | None = None
    average_ma: float | None = None
    idle_ma: float | None = None
    method: str | None = None


@attrs.frozen(kw_only=True)
class Budget:
    """A latency budget, judged on the maximum."""

    ms: float
    met: bool


@attrs.frozen(kw_only=True)
class Link:
    transport: str
    bytes_sent: int
    bytes_received: int
    upload_s: float | None = None
    retransmits: int = 0


@attrs.frozen(kw_only=True)
class Measurement:
    """One measurement. ``at`` is in UTC."""

    schema: Literal["measurement/1"] = "measurement/1"
    model: Model
    candidate: Candidate
    board: Board
    evidence: Evidence
    latency_ms: LatencyMs
    cycles: Cycles | None = None
    memory: Memory
    input: Input
    output: Output
    ops: tuple[OpProfile, ...] | None = None
    conditions: Conditions = attrs.field(factory=Conditions)
    energy: Energy = attrs.field(factory=Energy)
    budget: Budget | None = None
    link: Link
    at: datetime

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return attrs.asdict(self, value_serializer=plain)

    def to_json(self) -> str:
        return json.dumps(self.to_dict(), indent=2, ensure_ascii=False, allow_nan=False)

    @classmethod
    def from_dict(cls, values: object) -> Measurement:
        """Reads a record. Raises RecordError naming the field that is wrong."""
        error = jsonschema.exceptions.best_match(_validator().iter_errors(values))
        if error is not None:
            raise RecordError(f"{error.json_path}: {error.message}")
        record = build(cls, values)
        assert isinstance(record, Measurement)
        return record

    @classmethod
    def from_json(cls, text: str | bytes) -> Measurement:
        """Reads a record. Raises RecordError."""
        try:
            values = json.loads(text)
        except ValueError as error:
            raise RecordError(f"not JSON: {error}") from error
        return cls.from_dict(values)


@functools.cache
def _validator() -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(json.loads(SCHEMA_PATH.read_text()))


def json_schema() -> dict[str, Any]:
    """The JSON schema of the record, from the classes above."""
    return schema_of(Measurement, title="measurement/1")
