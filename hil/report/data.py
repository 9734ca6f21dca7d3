"""The report for programs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import attrs

from hil.nightly.verdicts import CellVerdict, NightVerdict, Status
from hil.report import golden

SCHEMA = "nightly/1"


def as_json(night: NightVerdict) -> str:
    return json.dumps(night_values(night), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def night_values(night: NightVerdict) -> dict[str, Any]:
    """Plain JSON values; times are ISO 8601 in UTC, ratios plain (0.03 is 3 %)."""
    return {
        "schema": SCHEMA,
        "verdict": "regression" if night.regressed else "no regression",
        "exit_code": int(night.exit_code),
        "baseline": {
            "name": night.baseline,
            "reason": night.reason,
            "accepted_at": night.accepted_at.isoformat(),
        },
        "started": night.started.isoformat(),
        "ended": night.ended.isoformat(),
        "counts": {str(status): len(night.having(status)) for status in Status},
        "cells": [_cell(cell) for cell in night.cells],
        "lost_jobs": [outcome.to_dict() for outcome in night.lost_jobs],
        "replays": [golden.values(replay) for replay in night.replays],
    }


def _cell(cell: CellVerdict) -> Mapping[str, Any]:
    return {
        "key": attrs.asdict(cell.key),
        "name": cell.key.name,
        "status": str(cell.status),
        "sessions": cell.sessions,
        "findings": [
            {"what": f.what, "direction": str(f.direction), "text": f.text} for f in cell.findings
        ],
        "flags": list(cell.flags),
        "shift": None if cell.shift is None else attrs.asdict(cell.shift),
        "changes": [attrs.asdict(change) for change in cell.changes],
        "ops": [attrs.asdict(op) for op in cell.ops],
        "triage": list(cell.triage),
        "notes": list(cell.notes),
        "record": None if cell.record is None else cell.record.to_dict(),
        "reference": None if cell.reference is None else cell.reference.to_dict(),
    }
