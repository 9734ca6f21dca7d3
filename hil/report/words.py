"""How verdicts and their numbers are said, alike in every report."""

from __future__ import annotations

from hil.nightly.changes import split_build
from hil.nightly.verdicts import CellVerdict, Direction, NightVerdict, OpChange, Status
from hil.run import Outcome
from host.measurement.evidence import Evidenced, evidence_label
from protocol.measurement import Fidelity, Measurement

_TOP_OPS = 5


def headline(night: NightVerdict) -> str:
    """Today's verdict in one line."""
    judged = len(night.cells)
    regressed = len(night.having(Status.REGRESSION))
    if night.regressed:
        text = f"REGRESSION: {regressed} of {judged} cells"
    else:
        text = f"no regression in {judged} cells"
    if night.replays:
        wrong = sum(replay.is_wrong for replay in night.replays)
        text += f", {wrong} of {len(night.replays)} golden replays wrong"
    others = [
        f"{len(night.having(status))} {status}"
        for status in Status
        if status not in (Status.REGRESSION, Status.SAME) and night.having(status)
    ]
    return ", ".join([text, *others])


def latency_text(record: Measurement, value_ms: float) -> str:
    """A latency in five characters or so; of a core without a time model there is none."""
    if record.evidence.fidelity == Fidelity.ISA_PROXY:
        return "no time model"
    if value_ms >= 1000:
        return f"{value_ms:,.0f} ms"
    return f"{value_ms:.4g} ms"


def evidence_text(record: Measurement) -> str:
    """``silicon`` or ``emulated, cycle ±10 %``, with the part before it."""
    return evidence_label(record)


def evidence_short(record: Evidenced) -> str:
    """What stands beside a number where there is little room."""
    if record.evidence.fidelity == Fidelity.SILICON:
        return "silicon"
    band = record.evidence.error_band_pct
    return f"{record.evidence.source}, {record.evidence.fidelity}" + (
        "" if band is None else f" ±{band:g} %"
    )


def op_text(op: OpChange) -> str:
    return f"op {op.index} {op.kind}: {op.before:,} -> {op.after:,} cycles ({op.percent:+.1f} %)"


def why(cell: CellVerdict) -> list[str]:
    """What was another one, and which ops take longer or less."""
    lines = [f"{change.what} changed: {change.before} -> {change.after}" for change in cell.changes]
    slower = [op for op in cell.ops if op.after > op.before]
    rest = [op for op in cell.ops if op.after < op.before]
    lines += [f"{op_text(op)} slower" for op in slower[:_TOP_OPS]]
    if len(slower) > _TOP_OPS:
        lines.append(f"and {len(slower) - _TOP_OPS} more ops slower")
    lines += [f"{op_text(op)} faster" for op in rest[:_TOP_OPS]]
    return lines


def sentences(cell: CellVerdict) -> list[str]:
    """Findings and flags, the bad ones first."""
    order = {Direction.WORSE: 0, Direction.BETTER: 1, Direction.OTHER: 2}
    findings = sorted(cell.findings, key=lambda finding: order[finding.direction])
    lines = [f"{finding.what}: {finding.text}" for finding in findings]
    lines += [f"not judged, {flag}" for flag in cell.flags]
    if cell.status == Status.MISSING:
        lines.append("the baseline has this cell, the night has no measurement of it")
    return lines


def lost_text(outcome: Outcome) -> str:
    """Why a job has no measurement: the fault begins with who has to look at it."""
    return f"not run: {outcome.reason}" if outcome.fault is None else str(outcome.fault)


def runtime_lines(night: NightVerdict) -> list[tuple[str, str, str]]:
    """Build, model and runtime of what was measured, each combination once."""
    return sorted(
        {
            (
                f"{record.board.id} {split_build(record.board.build)[1] or 'unknown build'}",
                f"{record.model.name} {record.model.sha256[:12]}",
                record.board.engine or "unknown",
            )
            for record in night.records
        }
    )


def judged_shift(cell: CellVerdict) -> str:
    """What was seen and what could have been, of a physical board's latency."""
    if cell.shift is None:
        return ""
    low, high = cell.shift.ci95
    return (
        f"{cell.shift.effect:+.2%} (95 % CI {low:+.2%} to {high:+.2%}); a slow-down of "
        f"{cell.shift.detectable:.1%} would be found 95 times in 100"
    )
