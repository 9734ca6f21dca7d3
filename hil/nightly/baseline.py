"""Baselines: the nights that a person accepted as right, with a name and a reason.

A baseline is a JSON file of its own, so that it can be reviewed and kept with the sources. Its
last member is the SHA-256 of the rest; a file cut short or altered is refused.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import attrs
from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

from hil.nightly.cells import CellKey, by_cell, into_nights, representative
from host.errors import ConfigError
from host.files import write_text
from protocol.measurement import Measurement, RecordError, Source, Verdict

SCHEMA_PATH = Path(__file__).with_name("baseline.schema.json")
MAX_NIGHTS = 60
"""Of a cell, the newest; noise of two months back says little of the board as it is now."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")

Nights = tuple[tuple[float, ...], ...]
"""Latencies in milliseconds, a session each, by night."""


@attrs.frozen(kw_only=True)
class BaselineCell:
    """One cell as it was accepted.

    ``reference`` is the newest night's middle session. ``nights`` are a physical board's
    accepted latencies, ``earlier`` those of builds before: they tell its noise, not its level.
    ``temperature_c`` are the lowest and highest of the accepted nights.
    """

    reference: Measurement
    nights: Nights = ()
    earlier: tuple[Nights, ...] = ()
    temperature_c: tuple[float, float] | None = None

    @property
    def key(self) -> CellKey:
        return CellKey.of(self.reference)


@attrs.frozen(kw_only=True)
class Baseline:
    """``until`` is the newest measurement that was accepted. Times are in UTC."""

    name: str
    reason: str
    accepted_at: datetime
    until: datetime
    cells: tuple[BaselineCell, ...]


def accept(
    name: str,
    reason: str,
    history: Iterable[Measurement],
    *,
    since: datetime | None = None,
    now: datetime | None = None,
) -> Baseline:
    """Makes a baseline of what was measured last.

    Args:
        history: measurements; older ones tell each physical board's noise.
        since: cells measured since then are accepted; None: those of the newest night.

    Raises:
        ConfigError: name or reason is no good, there is nothing to accept, or what there is has
            wrong outputs.
    """
    if not _NAME.fullmatch(name):
        raise ConfigError(
            f"baseline {name!r}: a name is letters, digits, '.', '_' and '-', at most 64"
        )
    if not reason.strip():
        raise ConfigError(f"baseline {name}: say in --reason why these measurements are right")
    records = [record for record in history if record.evidence.source != Source.SIMULATED]
    nights = into_nights(records)
    if not nights:
        raise ConfigError(
            "the history has no measurement to accept", hint="`host measure` adds one"
        )
    since = since or nights[-1][0].at
    cells = tuple(
        _accepted(sessions)
        for _, sessions in sorted(by_cell(records).items())
        if sessions[-1].at >= since
    )
    if not cells:
        raise ConfigError(f"the history has no measurement since {since.isoformat()}")
    return Baseline(
        name=name,
        reason=reason.strip(),
        accepted_at=now or datetime.now(UTC),
        until=max(record.at for record in records),
        cells=cells,
    )


def _accepted(sessions: Sequence[Measurement]) -> BaselineCell:
    newest = sessions[-1]
    if newest.output.verdict in (Verdict.MISMATCH, Verdict.NONDETERMINISTIC):
        raise ConfigError(
            f"{CellKey.of(newest).name}: the output of {newest.at.isoformat()} is "
            f"{newest.output.verdict} and cannot be a baseline"
        )
    nights = into_nights(sessions)[-MAX_NIGHTS:]
    groups: dict[tuple[object, ...], list[tuple[float, ...]]] = {}
    for night in nights:
        by_provenance: dict[tuple[object, ...], list[Measurement]] = {}
        for record in night:
            by_provenance.setdefault(_provenance(record), []).append(record)
        for provenance, records in by_provenance.items():
            groups.setdefault(provenance, []).append(
                tuple(record.latency_ms.median for record in records)
            )
    accepted = groups.pop(_provenance(newest))
    alike = [
        record for night in nights for record in night if _provenance(record) == _provenance(newest)
    ]
    last = [record for record in nights[-1] if _provenance(record) == _provenance(newest)]
    profiled = [record for record in last if record.ops is not None]
    temperatures = [t for record in alike for t in record.conditions.temperature_c or ()]
    physical = newest.evidence.source == Source.HARDWARE
    return BaselineCell(
        reference=representative(profiled or last),
        nights=tuple(accepted) if physical else (),
        earlier=tuple(tuple(group) for group in groups.values()) if physical else (),
        temperature_c=(min(temperatures), max(temperatures)) if temperatures else None,
    )


def _provenance(record: Measurement) -> tuple[object, ...]:
    """What has to be equal for two latencies to differ by noise alone."""
    board, conditions = record.board, record.conditions
    return (
        record.model.sha256,
        record.candidate.plan_crc32,
        board.uid,
        board.clock_hz,
        board.firmware,
        board.build,
        board.engine,
        record.evidence.emulator,
        conditions.power_mode,
        conditions.governor,
    )


def baseline_path(folder: Path, name: str) -> Path:
    return folder / f"{name}.json"


def save_baseline(baseline: Baseline, folder: Path, *, replace: bool = False) -> Path:
    """Raises ConfigError where there is one of that name already, or nothing can be written."""
    path = baseline_path(folder, baseline.name)
    if path.exists() and not replace:
        raise ConfigError(
            f"{path}: there is a baseline of this name",
            hint="give the new one another name, or --replace the old one",
        )
    folder.mkdir(parents=True, exist_ok=True)
    write_text(path, baseline_text(baseline))
    return path


def baseline_text(baseline: Baseline) -> str:
    """As it is kept in a file."""
    values = _to_dict(baseline)
    return json.dumps({**values, "sha256": _digest(values)}, indent=1) + "\n"


def load_baseline(path: Path) -> Baseline:
    """Reads and checks a baseline.

    Raises:
        ConfigError: it is not there, cut short, altered, or none; the text says which and where.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(
            f"baseline {path}: {error.strerror or error}",
            hint="`host farm baseline NAME --reason TEXT` accepts the newest measurements",
        ) from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"baseline {path}: not text: {error}") from error
    try:
        values = json.loads(text)
    except ValueError as error:
        raise ConfigError(
            f"baseline {path}: not whole JSON, perhaps cut short: {error}", hint=_AGAIN
        ) from error
    schema = json.loads(SCHEMA_PATH.read_text(encoding="utf-8"))
    wrong = best_match(Draft202012Validator(schema).iter_errors(values))
    if wrong is not None:
        raise ConfigError(f"baseline {path}: {wrong.json_path}: {wrong.message}", hint=_AGAIN)
    claimed = values.pop("sha256")
    if claimed != _digest(values):
        raise ConfigError(
            f"baseline {path}: altered after it was accepted: its content's SHA-256 is "
            f"{_digest(values)[:12]}..., the file says {claimed[:12]}...",
            hint=_AGAIN,
        )
    try:
        return _from_dict(values)
    except (RecordError, ValueError) as error:
        raise ConfigError(f"baseline {path}: {error}", hint=_AGAIN) from error


_AGAIN = "restore the file, or accept a baseline again with `host farm baseline`"


def _digest(values: dict[str, Any]) -> str:
    text = json.dumps(values, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _to_dict(baseline: Baseline) -> dict[str, Any]:
    return {
        "schema": "baseline/1",
        "name": baseline.name,
        "reason": baseline.reason,
        "accepted_at": baseline.accepted_at.isoformat(),
        "until": baseline.until.isoformat(),
        "cells": [
            {
                "reference": cell.reference.to_dict(),
                "nights": [list(night) for night in cell.nights],
                "earlier": [[list(night) for night in group] for group in cell.earlier],
                "temperature_c": None if cell.temperature_c is None else list(cell.temperature_c),
            }
            for cell in baseline.cells
        ],
    }


def _from_dict(values: dict[str, Any]) -> Baseline:
    return Baseline(
        name=values["name"],
        reason=values["reason"],
        accepted_at=datetime.fromisoformat(values["accepted_at"]),
        until=datetime.fromisoformat(values["until"]),
        cells=tuple(
            BaselineCell(
                reference=Measurement.from_dict(cell["reference"]),
                nights=_nights(cell["nights"]),
                earlier=tuple(_nights(group) for group in cell["earlier"]),
                temperature_c=None
                if cell["temperature_c"] is None
                else (cell["temperature_c"][0], cell["temperature_c"][1]),
            )
            for cell in values["cells"]
        ),
    )


def _nights(values: list[list[float]]) -> Nights:
    return tuple(tuple(night) for night in values)
