"""Holds a night against a baseline, cell by cell.

What is deterministic (outputs, arena, emulated cycles) is compared exactly; a physical board's
latency as a distribution, against the noise that this board has shown (hil/nightly/noise.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import attrs

from hil.nightly.baseline import Baseline, BaselineCell
from hil.nightly.cells import CellKey, by_cell, representative
from hil.nightly.changes import changes, drift, op_changes, unexplained
from hil.nightly.exact import exact_findings, is_deterministic
from hil.nightly.noise import MIN_NIGHTS, Past, estimate, outliers, steady
from hil.nightly.shift import FASTER_ALPHA, SLOWER_ALPHA, Shift, holm, shift
from hil.nightly.verdicts import (
    CellVerdict,
    Direction,
    Finding,
    NightVerdict,
    Status,
)
from host.errors import ConfigError
from protocol.measurement import Measurement, Source

_MAX_OUTLIERS = 0.25
"""Of a night's sessions; with more apart from the rest, the night has no middle to speak of."""


def compare(baseline: Baseline, tonight: Iterable[Measurement]) -> NightVerdict:
    """Judges each cell of the baseline and of the night.

    Raises:
        ConfigError: the night has no measurement.
    """
    records = tuple(
        record
        for record in sorted(tonight, key=lambda record: record.at)
        if record.evidence.source != Source.SIMULATED
    )
    if not records:
        raise ConfigError(
            "no measurement to compare: the history has none that is newer than the baseline",
            hint="--since takes the time from which on measurements count",
        )
    paired, missing, new = _pair(baseline, by_cell(records))
    latencies = _judge_latencies(paired)
    cells = [
        _verdict(key, cell, sessions, latencies.get(key))
        for key, (cell, sessions) in paired.items()
    ]
    cells += [
        CellVerdict(key=cell.key, status=Status.MISSING, record=None, reference=cell.reference)
        for cell in missing
    ]
    cells += [
        CellVerdict(
            key=key,
            status=Status.NEW,
            record=_shown(sessions),
            reference=None,
            sessions=len(sessions),
        )
        for key, sessions in new.items()
    ]
    return NightVerdict(
        baseline=baseline.name,
        reason=baseline.reason,
        accepted_at=baseline.accepted_at,
        started=records[0].at,
        ended=records[-1].at,
        cells=tuple(sorted(cells, key=lambda cell: cell.key)),
        records=records,
    )


_Paired = dict[CellKey, tuple[BaselineCell, list[Measurement]]]


def _pair(
    baseline: Baseline, night: dict[CellKey, list[Measurement]]
) -> tuple[_Paired, list[BaselineCell], dict[CellKey, list[Measurement]]]:
    """Cells on both sides, in the baseline alone, and in the night alone.

    A board that is gone and another of its kind in its place are one pair: the identity differs.
    """
    left = {cell.key: cell for cell in baseline.cells}
    right = dict(night)
    paired: _Paired = {key: (left.pop(key), right.pop(key)) for key in list(right) if key in left}
    for key in list(right):
        seat = next((old for old in left if old.seat == key.seat), None)
        if seat is not None:
            paired[key] = (left.pop(seat), right.pop(key))
    return paired, list(left.values()), right


@attrs.frozen(kw_only=True)
class _Latency:
    """A physical board's latency tonight. Of ``shift`` and ``learning`` one is there, or none."""

    shift: Shift | None = None
    slower: bool = False
    faster: bool = False
    learning: str = ""
    flags: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def _judge_latencies(paired: _Paired) -> dict[CellKey, _Latency]:
    """All physical cells together: the more are judged, the more each has to stand out."""
    judged: dict[CellKey, _Latency] = {}
    ready: dict[CellKey, tuple[Past, list[float]]] = {}
    for key, (cell, sessions) in paired.items():
        if is_deterministic(cell.reference) and is_deterministic(sessions[0]):
            continue
        board = f"{key.board} {key.domain} {key.uid}"
        past = Past.of(board, cell.nights, cell.earlier)
        judged[key] = latency = _screen(cell, past, sessions)
        if not latency.flags and not latency.learning:
            values = [record.latency_ms.median for record in sessions]
            ready[key] = (past, steady(values, past.fence))
    noises = estimate([past for past, _ in ready.values()])
    shifts = {
        key: shift(noise, past, values, cells=len(ready))
        for (key, (past, values)), noise in zip(ready.items(), noises, strict=True)
    }
    slower = holm([shift.p_slower for shift in shifts.values()], SLOWER_ALPHA)
    faster = holm([shift.p_faster for shift in shifts.values()], FASTER_ALPHA)
    for key, is_slower, is_faster in zip(shifts, slower, faster, strict=True):
        judged[key] = attrs.evolve(
            judged[key], shift=shifts[key], slower=bool(is_slower), faster=bool(is_faster)
        )
    return judged


def _screen(cell: BaselineCell, past: Past, sessions: Sequence[Measurement]) -> _Latency:
    """What forbids to judge, before anything is judged."""
    flags = [
        flag for record in sessions for flag in drift(cell.reference, record, cell.temperature_c)
    ]
    values = [record.latency_ms.median for record in sessions]
    apart = outliers(values, past.fence)
    notes: tuple[str, ...] = ()
    if apart:
        text = f"{len(apart)} of {len(values)} sessions stand apart from the rest: " + ", ".join(
            f"{values[index]:.4g} ms" for index in apart
        )
        if len(apart) > _MAX_OUTLIERS * len(values):
            flags.append(f"unsteady: {text}")
        else:
            notes = (f"{text}; they were left out of the comparison",)
    # A build's only night has no other to differ from: it tells nothing of how nights differ.
    nights = 1 + sum(max(len(group) - 1, 0) for group in (cell.nights, *cell.earlier))
    learning = ""
    if nights < MIN_NIGHTS:
        learning = (
            f"{nights} of the {MIN_NIGHTS} nights that it takes to know this board's noise are in "
            "the baseline: its latency was not judged"
        )
    return _Latency(learning=learning, flags=tuple(dict.fromkeys(flags)), notes=notes)


def _verdict(
    key: CellKey, cell: BaselineCell, sessions: list[Measurement], latency: _Latency | None
) -> CellVerdict:
    reference, shown = cell.reference, _shown(sessions)
    findings = exact_findings(reference, sessions)
    latency = latency or _Latency()
    if latency.shift is not None and (latency.slower or latency.faster):
        findings = (*findings, _latency_finding(latency.shift, latency.slower))
    status = _status(findings, latency)
    changed = changes(reference, shown)
    notes = [*latency.notes, *([latency.learning] if latency.learning else [])]
    if findings and not changed:
        notes.append(unexplained(reference, shown))
    # Without a finding, what differs between two profiles is noise.
    ops = op_changes(reference, shown) if findings else ()
    return CellVerdict(
        key=key,
        status=status,
        record=shown,
        reference=reference,
        sessions=len(sessions),
        findings=findings,
        flags=latency.flags,
        shift=latency.shift,
        changes=changed,
        ops=ops,
        triage=_triage(findings, ops, shown) if status == Status.REGRESSION else (),
        notes=tuple(notes),
    )


def _status(findings: Sequence[Finding], latency: _Latency) -> Status:
    directions = {finding.direction for finding in findings}
    if Direction.WORSE in directions:
        return Status.REGRESSION
    if latency.flags:
        return Status.FLAGGED
    if latency.learning:
        return Status.LEARNING
    if Direction.BETTER in directions:
        return Status.IMPROVED
    return Status.CHANGED if directions else Status.SAME


def _latency_finding(shift: Shift, slower: bool) -> Finding:
    low, high = shift.ci95
    p = shift.p_slower if slower else shift.p_faster
    return Finding(
        "latency",
        Direction.WORSE if slower else Direction.BETTER,
        f"{shift.effect:+.1%} (95 % CI {low:+.1%} to {high:+.1%}, p = {p:.1e}, "
        f"{abs(shift.sd_units):.1f} standard deviations of this board's sessions; "
        f"{shift.sessions} sessions against {shift.baseline_sessions} of "
        f"{shift.baseline_nights} nights)",
    )


def _triage(
    findings: Sequence[Finding], ops: Sequence[object], record: Measurement
) -> tuple[str, ...]:
    """From the outside in: input digest, output, layers, then operator or arena."""
    wrong = {finding.what for finding in findings if finding.direction == Direction.WORSE}
    steps = [
        "input digest: "
        + ("differs, so nothing below compares like with like" if "input" in wrong else "the same"),
        "output: " + ("differs" if "output" in wrong else f"the same ({record.output.verdict})"),
        "layers: "
        + (
            "replay a golden set to find the first that differs"
            if "output" in wrong
            else "nothing to look for"
        ),
    ]
    if ops:
        steps.append(f"operators: {len(ops)} of {len(record.ops or ())} take other cycles")
    elif wrong & {"cycles", "latency"}:
        steps.append("operators: not profiled alike on both sides (`--profile`)")
    steps.append("arena: " + ("larger" if "arena" in wrong else "not larger"))
    return tuple(steps)


def _shown(sessions: Sequence[Measurement]) -> Measurement:
    """The middle one of the profiled sessions, or of all where none is."""
    return representative([record for record in sessions if record.ops is not None] or sessions)
