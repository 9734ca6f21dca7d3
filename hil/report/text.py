"""The text report."""

from __future__ import annotations

from hil.nightly.verdicts import CellVerdict, Direction, NightVerdict, Status
from hil.report import golden
from hil.report.words import (
    evidence_text,
    headline,
    judged_shift,
    latency_text,
    lost_text,
    runtime_lines,
    sentences,
    why,
)

_TOP_FAILURES = 10


def as_text(night: NightVerdict) -> str:
    """Lines without colour, for a terminal, a log or a mail."""
    lines = [
        f"Nightly: {headline(night)}",
        f"  Baseline {night.baseline}, accepted {night.accepted_at:%Y-%m-%d %H:%M} UTC: "
        f"{night.reason}",
        f"  Measured {night.started:%Y-%m-%d %H:%M} to {night.ended:%Y-%m-%d %H:%M} UTC",
        "",
        "Build | Model | Runtime",
        *(f"  {' | '.join(row)}" for row in runtime_lines(night)),
        "",
        f"Samples                   {_samples(night)}",
        f"Input-digest mismatches   {_count(night, 'input')}",
        f"Output mismatches         {_count(night, 'output')}",
        f"Tolerance violations      {_count(night, 'cycles', 'latency')}",
        f"Arena growth              {_count(night, 'arena')}",
        *(f"{name:<26}{value}" for name, value in golden.totals(night)),
        "",
        "Timing, slowest run against budget",
        *(f"  {line}" for cell in night.cells for line in _timing(cell)),
    ]
    failures = night.having(Status.REGRESSION)
    if failures:
        lines += ["", "Top failures"]
        for number, cell in enumerate(failures[:_TOP_FAILURES], start=1):
            lines += _failure(number, cell)
        if len(failures) > _TOP_FAILURES:
            lines.append(f"  and {len(failures) - _TOP_FAILURES} more: see report.html")
    lines += golden.lines(night)
    if night.lost_jobs:
        lines += ["", "Not measured"]
        lines += [f"  {outcome.job.title}: {lost_text(outcome)}" for outcome in night.lost_jobs]
    notes = [line for cell in night.cells for line in _notes(cell)]
    if notes:
        lines += ["", "Notes", *(f"  {note}" for note in notes)]
    return "\n".join(lines) + "\n"


def _samples(night: NightVerdict) -> str:
    inputs = {(record.model.sha256, record.input.crc32) for record in night.records}
    return f"{len(inputs)} inputs in {len(night.records)} sessions of {len(night.cells)} cells"


def _count(night: NightVerdict, *kinds: str) -> int:
    return sum(
        finding.what in kinds and finding.direction == Direction.WORSE
        for cell in night.cells
        for finding in cell.findings
    )


def _timing(cell: CellVerdict) -> list[str]:
    record = cell.record
    if record is None:
        return []
    slowest = latency_text(record, record.latency_ms.max)
    budget = record.budget
    against = "no budget"
    if budget is not None:
        against = f"budget {budget.ms:g} ms {'met' if budget.met else 'MISSED'}"
    return [f"{cell.key.name}: {slowest} ({evidence_text(record)}), {against}"]


def _failure(number: int, cell: CellVerdict) -> list[str]:
    lines = [f"  {number}. {cell.key.name} ({evidence_text(cell.shown)})"]
    lines += [f"       {line}" for line in sentences(cell)]
    lines += [f"       why     {line}" for line in why(cell)]
    lines += [f"       triage  {line}" for line in cell.triage]
    return lines


def _notes(cell: CellVerdict) -> list[str]:
    name = cell.key.name
    lines = [f"{name}: {note}" for note in cell.notes]
    if cell.status == Status.REGRESSION:
        return lines
    lines += [f"{name}: {cell.status}: {line}" for line in sentences(cell)]
    if cell.status == Status.NEW:
        lines.append(f"{name}: new: the baseline does not have it")
    if cell.shift is not None:
        lines.append(f"{name}: latency {judged_shift(cell)}")
    return lines
