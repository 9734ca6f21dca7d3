"""What the reports say of the golden sets that a night replayed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import attrs

from hil.golden.night import NightReplay
from hil.golden.result import ReplayResult
from hil.golden.text import counts_text, failure_lines, headline, timing_text
from hil.nightly.verdicts import NightVerdict, Status

_NOT_CHECKED = "not checked (no golden set was replayed)"


def totals(night: NightVerdict) -> list[tuple[str, str]]:
    """Rows of the text report: what only golden sets can tell, over all boards."""
    results = [entry.result for entry in night.replays if entry.result is not None]

    def total(count: Callable[[ReplayResult], int]) -> str:
        return str(sum(map(count, results))) if results else _NOT_CHECKED

    return [
        ("Golden samples", total(lambda result: result.samples)),
        ("Golden input mismatches", total(lambda result: result.input_mismatches)),
        ("Golden output mismatches", total(lambda result: result.output_mismatches)),
        ("Decision mismatches", total(lambda result: result.decision_mismatches)),
        ("Reject mismatches", total(lambda result: result.reject_mismatches)),
    ]


def mark(replay: NightReplay) -> Status:
    """As which of the cells' it is drawn."""
    if replay.is_wrong:
        return Status.REGRESSION
    if replay.is_lost:
        return Status.MISSING
    return Status.CHANGED if replay.is_unfit else Status.SAME


def summary(replay: NightReplay) -> str:
    """One sentence."""
    if replay.fault is not None:
        return f"{'does not run there' if replay.is_unfit else 'not replayed'}: {replay.fault}"
    assert replay.result is not None
    return headline(replay.result)


def details(replay: NightReplay) -> list[str]:
    """Numbers, then the samples that are wrong and the triage of the first, then notes."""
    if replay.result is None:
        return [replay.fault.hint] if replay.fault is not None and replay.fault.hint else []
    result = replay.result
    return [
        counts_text(result),
        f"slowest sample {timing_text(result)}",
        *failure_lines(result),
        *result.notes,
    ]


def lines(night: NightVerdict) -> list[str]:
    """The text report's section; none without a replay."""
    if not night.replays:
        return []
    found = ["", "Golden sets"]
    for replay in night.replays:
        found.append(f"  {replay.board}: {summary(replay)}")
        if replay.is_wrong or replay.is_lost:
            found += [f"       {line}" for line in details(replay)]
    return found


def values(replay: NightReplay) -> Mapping[str, Any]:
    """Plain JSON values."""
    fault = replay.fault
    return {
        "golden": replay.golden,
        "model": replay.model,
        "board": replay.board,
        "verdict": "unfit"
        if replay.is_unfit
        else "lost"
        if replay.is_lost
        else "mismatch"
        if replay.is_wrong
        else "as the set has it",
        "result": None if replay.result is None else replay.result.to_dict(),
        "fault": None if fault is None else {**attrs.asdict(fault), "owner": str(fault.owner)},
    }
