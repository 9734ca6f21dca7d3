"""Turns what a measurement found into the record that is printed and stored."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from datetime import datetime

import attrs

from host.measurement.candidates import Candidate
from host.measurement.engine_candidates import EngineCandidate
from host.measurement.inputs import Inputs
from host.measurement.series import Series
from host.measurement.statistics import summarize
from host.reference import ExpectedOutput
from host.reference.engines import EngineOutput
from host.session import LoadedModel, LoadedPlan, Session
from protocol import measurement
from protocol.capabilities import Capabilities, Feature
from protocol.measurement import Evidence, LatencyMs, Measurement, Verdict
from protocol.report import Report


@attrs.frozen(kw_only=True)
class Findings:
    """What there is to be recorded. ``op_ticks`` is of a separate, profiled run."""

    candidate: Candidate | EngineCandidate
    session: Session
    evidence: Evidence
    loaded: LoadedPlan | LoadedModel
    inputs: Inputs
    series: Series
    op_ticks: tuple[int, ...] | None
    report: Report | None
    """What a board with an operating system says of itself, where it does."""
    expected: ExpectedOutput | EngineOutput | None = None
    budget_ms: float | None
    at: datetime


def build_record(findings: Findings) -> Measurement:
    """The record; what the board does not offer stays None."""
    candidate, session = findings.candidate, findings.session
    offered, traffic = session.capabilities, session.traffic
    latency = _latency(findings.series, offered)
    budget = None
    if findings.budget_ms is not None:
        budget = measurement.Budget(ms=findings.budget_ms, met=latency.max <= findings.budget_ms)
    return Measurement(
        model=measurement.Model(
            name=candidate.path.name,
            sha256=candidate.sha256,
            format=candidate.source_format,
        ),
        candidate=measurement.Candidate(
            precision=candidate.precision,
            plan_bytes=len(candidate.data),
            plan_crc32=candidate.crc32,
            macs=candidate.macs,
        ),
        board=board_of(session, findings.report),
        evidence=findings.evidence,
        latency_ms=latency,
        cycles=_cycles(findings.series, offered),
        memory=_memory(findings, offered),
        input=measurement.Input(
            crc32=findings.inputs.crc32,
            source=findings.inputs.source,
            seed=findings.inputs.seed,
        ),
        output=_output(findings.series, findings.expected),
        ops=_ops(findings, offered),
        conditions=_conditions(findings.report),
        budget=budget,
        link=measurement.Link(
            transport=session.link.transport,
            bytes_sent=traffic.bytes_sent,
            bytes_received=traffic.bytes_received,
            upload_s=findings.loaded.upload_s,
            retransmits=traffic.retransmits,
        ),
        at=findings.at,
    )


def board_of(session: Session, report: Report | None) -> measurement.Board:
    """What the board says of itself; ``report`` names the engine, of those that it may have."""
    offered = session.capabilities
    engine = offered.engine if report is None else report.engine or offered.engine
    return measurement.Board(
        id=offered.board,
        domain=offered.domain,
        uid=offered.uid or None,
        core=offered.core or None,
        clock_hz=offered.clock_hz or None,
        firmware=offered.firmware or None,
        build=offered.build or None,
        engine=engine or None,
        reset_cause=session.reset_cause,
        boot_count=session.boot_count,
    )


def _latency(series: Series, offered: Capabilities) -> LatencyMs:
    def milliseconds(ticks: int) -> float:
        return ticks * 1000 / offered.tick_hz

    return summarize(
        [milliseconds(ticks) for ticks in series.ticks],
        warmup=series.warmup,
        first_ms=milliseconds(series.first_ticks),
    )


def _to_cycles(ticks: Sequence[int], offered: Capabilities) -> list[int] | None:
    """Core cycles, where the board's counter counts them or a whole fraction of them."""
    if Feature.CYCLE_COUNTER not in offered.features:
        return None
    return [round(count * offered.clock_hz / offered.tick_hz) for count in ticks]


def _cycles(series: Series, offered: Capabilities) -> measurement.Cycles | None:
    cycles = _to_cycles(series.ticks, offered)
    if cycles is None:
        return None
    return measurement.Cycles(
        min=min(cycles),
        median=statistics.median(cycles),
        max=max(cycles),
        instructions=series.instructions or None,
    )


def _memory(findings: Findings, offered: Capabilities) -> measurement.Memory:
    series, features, loaded = findings.series, offered.features, findings.loaded
    report = findings.report or Report()
    rss_bytes, peak_rss_bytes = report.rss_bytes, report.peak_rss_bytes
    if isinstance(loaded, LoadedModel):
        return measurement.Memory(rss_bytes=rss_bytes, peak_rss_bytes=peak_rss_bytes)
    store = findings.candidate.store
    return measurement.Memory(
        arena_bytes=(
            series.arena_high_water_bytes
            if Feature.ARENA_HIGH_WATER in features
            else loaded.arena_bytes
        ),
        arena_available_bytes=loaded.arena_available_bytes,
        stack_bytes=(
            series.stack_high_water_bytes if Feature.STACK_HIGH_WATER in features else None
        ),
        static_bytes=offered.static_bytes or None,
        plan_store=None if store is None else store.name.lower(),
        rss_bytes=rss_bytes,
        peak_rss_bytes=peak_rss_bytes,
    )


def _conditions(report: Report | None) -> measurement.Conditions:
    if report is None:
        return measurement.Conditions()
    before, after = report.temperature_before, report.temperature_after
    return measurement.Conditions(
        power_mode=report.power_mode,
        governor=report.governor,
        temperature_c=None if before is None or after is None else (before, after),
        throttled=report.throttled,
    )


def _output(series: Series, expected: ExpectedOutput | EngineOutput | None) -> measurement.Output:
    if series.unstable_at is not None:
        verdict = Verdict.NONDETERMINISTIC
    elif expected is None:
        verdict = Verdict.UNCHECKED
    elif expected.crc32 == series.output_crc32:
        verdict = Verdict.EXACT
    elif isinstance(expected, EngineOutput) and not expected.is_binding:
        verdict = Verdict.UNCHECKED
    else:
        verdict = Verdict.MISMATCH
    return measurement.Output(
        crc32=series.output_crc32,
        expected_crc32=None if expected is None else expected.crc32,
        unstable_at=series.unstable_at,
        verdict=verdict,
        arithmetic=None if expected is None else expected.arithmetic,
    )


def _ops(findings: Findings, offered: Capabilities) -> tuple[measurement.OpProfile, ...] | None:
    if findings.op_ticks is None:
        return None
    cycles = _to_cycles(findings.op_ticks, offered)
    if cycles is None:
        return None
    return tuple(
        measurement.OpProfile(index=index, kind=op.kind.name, cycles=count, macs=op.macs)
        for index, (op, count) in enumerate(zip(findings.candidate.ops, cycles, strict=False))
    )
