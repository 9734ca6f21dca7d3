"""The page: one HTML file that needs no network, for a screen, a phone and paper."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from hil.golden.night import NightReplay
from hil.nightly.cells import CellKey
from hil.nightly.verdicts import CellVerdict, NightVerdict, Status
from hil.report import golden, words
from hil.report.health import board_health
from hil.report.trends import TrendPoint, sparkline, trends
from host.evidence import LatencyPoint
from protocol.measurement import Fidelity, Measurement

_FOLDER = Path(__file__).parent
_SPARK_NIGHTS = 30

_MARKS = {
    Status.REGRESSION: "✖",
    Status.FLAGGED: "⚑",
    Status.MISSING: "?",
    Status.LEARNING: "…",
    Status.IMPROVED: "▼",
    Status.CHANGED: "≠",
    Status.NEW: "+",
    Status.SAME: "✓",
}
"""Beside the colour, which not everybody and no printer sees."""


def as_page(night: NightVerdict, points: Sequence[LatencyPoint]) -> str:
    """The whole page. ``points``: the past, for the trends; in the order of their time."""
    past = trends(points)
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    cells = [_cell(number, cell, past.get(cell.key, [])) for number, cell in enumerate(night.cells)]
    return environment.get_template("page.html.j2").render(
        night=night,
        headline=words.headline(night),
        verdict="regression" if night.regressed else "good",
        counts=[(status, _MARKS[status], len(night.having(status))) for status in Status],
        cells=cells,
        matrix=_matrix(cells),
        failures=[cell for cell in cells if cell["status"] == Status.REGRESSION],
        others=[cell for cell in cells if cell["status"] != Status.REGRESSION and cell["notes"]],
        builds=_builds(night),
        lost=[(outcome.job.title, words.lost_text(outcome)) for outcome in night.lost_jobs],
        boards=board_health(night),
        replays=[_replay(replay) for replay in sorted(night.replays, key=_gravity)],
        style=Markup((_FOLDER / "page.css").read_text(encoding="utf-8")),
        script=Markup((_FOLDER / "page.js").read_text(encoding="utf-8")),
        data=_embedded(
            {
                "baseline": night.baseline,
                "cells": [_details(cell, past.get(cell.key, [])) for cell in night.cells],
            }
        ),
    )


def _cell(number: int, cell: CellVerdict, past: Sequence[TrendPoint]) -> dict[str, Any]:
    """What the matrix and the reasons show of a cell."""
    record, key = cell.shown, cell.key
    reference = cell.reference
    level = _latency_ms(reference) if reference is not None else None
    values = [point.median_ms for point in past[-_SPARK_NIGHTS:]] if _has_time(record) else []
    return {
        "number": number,
        "key": key,
        "name": key.name,
        "board": _board(key),
        "variant": _variant(key),
        "status": cell.status,
        "mark": _MARKS[cell.status],
        "latency": words.latency_text(record, record.latency_ms.median),
        "of": "the baseline's, " if cell.record is None else "",
        "arena": _bytes(record.memory.arena_bytes),
        "evidence": words.evidence_short(record),
        "evidence_long": words.evidence_text(record),
        "output": str(record.output.verdict),
        "spark": sparkline(values, level),
        "wide_spark": sparkline(values, level, width=320, height=60),
        "nights": len(values),
        "sentences": words.sentences(cell),
        "why": words.why(cell),
        "triage": cell.triage,
        "notes": [*cell.notes, *(words.sentences(cell) if cell.status != Status.SAME else [])],
    }


def _gravity(replay: NightReplay) -> tuple[bool, bool, bool]:
    """What is wrong comes first."""
    return not replay.is_wrong, not replay.is_lost, replay.is_unfit


def _replay(replay: NightReplay) -> dict[str, Any]:
    status = golden.mark(replay)
    return {
        "golden": replay.golden,
        "board": replay.board,
        "evidence": "" if replay.result is None else words.evidence_short(replay.result),
        "status": status,
        "mark": _MARKS[status],
        "summary": golden.summary(replay),
        "details": golden.details(replay) if replay.is_wrong or replay.is_lost else [],
    }


def _builds(night: NightVerdict) -> list[tuple[str, str, list[str]]]:
    """Builds and runtimes, with the models that they ran."""
    models: dict[tuple[str, str], list[str]] = defaultdict(list)
    for build, model, runtime in words.runtime_lines(night):
        models[build, runtime].append(model)
    return [(build, runtime, names) for (build, runtime), names in models.items()]


def _board(key: CellKey) -> str:
    return f"{key.board} {key.domain}".strip()


def _variant(key: CellKey) -> str:
    """What tells two cells of one model and board apart."""
    which = key.emulator or key.uid
    return " ".join(part for part in (key.engine, key.precision, key.plan_store, which) if part)


def _matrix(cells: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Models by boards; a field holds several cells where a board ran a model several ways."""
    boards = sorted({cell["board"] for cell in cells})
    rows: dict[str, dict[str, list[dict[str, Any]]]] = defaultdict(lambda: defaultdict(list))
    for cell in cells:
        rows[cell["key"].model][cell["board"]].append(cell)
    return {
        "boards": boards,
        "rows": [
            {"model": model, "fields": [(board, fields.get(board, [])) for board in boards]}
            for model, fields in sorted(rows.items())
        ],
    }


def _details(cell: CellVerdict, past: Sequence[TrendPoint]) -> dict[str, Any]:
    """What the script shows of a cell when it is chosen."""
    record, reference = cell.shown, cell.reference
    latency = record.latency_ms
    timed = _has_time(record)
    before = {op.index: op.cycles for op in (reference.ops or ())} if reference else {}
    alike = reference is not None and [op.kind for op in reference.ops or ()] == [
        op.kind for op in record.ops or ()
    ]
    facts = [
        ["verdict", str(cell.status)],
        ["evidence", words.evidence_text(record)],
        ["output", f"{record.output.verdict}, CRC-32 0x{record.output.crc32:08x}"],
        ["arena", _bytes(record.memory.arena_bytes)],
        ["stack", _bytes(record.memory.stack_bytes)],
        ["plan", f"{record.candidate.plan_bytes:,} bytes, 0x{record.candidate.plan_crc32:08x}"],
        ["build", record.board.build or "unknown"],
        ["board", record.board.uid or "no serial number"],
        ["sessions", str(cell.sessions)],
    ]
    if timed:
        label = words.evidence_short(record)
        facts[2:2] = [
            [name, f"{words.latency_text(record, value)} ({label})"]
            for name, value in (
                ("median", latency.median),
                ("p99", latency.p99),
                ("max", latency.max),
            )
        ]
    if cell.shift is not None:
        facts.append(["against the baseline", words.judged_shift(cell)])
    return {
        "name": cell.key.name,
        "evidence": words.evidence_short(record),
        "unit": "cycles" if timed else "instructions",
        "facts": facts,
        "reasons": [*words.sentences(cell), *words.why(cell), *cell.notes],
        "ops": [
            [op.index, op.kind, op.cycles, before.get(op.index) if alike else None]
            for op in record.ops or ()
        ],
        "baseline_ms": _latency_ms(reference) if reference is not None and timed else None,
        "trend": [[point.at_minutes, _short(point.median_ms)] for point in past] if timed else [],
    }


def _has_time(record: Measurement) -> bool:
    return record.evidence.fidelity != Fidelity.ISA_PROXY


def _latency_ms(record: Measurement) -> float:
    return record.latency_ms.median


def _short(value: float) -> float:
    return float(f"{value:.5g}")


def _bytes(count: int | None) -> str:
    return "unknown" if count is None else f"{count:,} bytes"


def _embedded(values: Any) -> Markup:
    """JSON for a script element, which no ``</script>`` in a name can end."""
    text = json.dumps(values, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)
