"""Turns what a measurement found into the record that is printed and stored."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from datetime import datetime

import attrs

from host.measurement.candidates import Candidate
from host.measurement.inputs import Inputs
from host.measurement.series import Series
from host.measurement.statistics import summarize
from host.reference import ExpectedOutput
from host.session import LoadedPlan, Session
from protocol import measurement
from protocol.capabilities import Capabilities, Feature
from protocol.measurement import Evidence, LatencyMs, Measurement, Verdict


@attrs.frozen(kw_only=True)
class Findings:
    """What there is to be recorded. ``op_ticks`` is of a separate, profiled run."""

    candidate: Candidate
    session: Session
    evidence: Evidence
    loaded: LoadedPlan
    inputs: Inputs
    series: Series
    op_ticks: tuple[int, ...] | None
    expected: ExpectedOutput | None = None
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
            sha256=candidate.graph.sha256,
            format=candidate.graph.source_format,
        ),
        candidate=measurement.Candidate(
            precision=candidate.plan.precision,
            plan_bytes=len(candidate.plan.data),
            plan_crc32=candidate.plan.crc32,
            macs=candidate.plan.macs,
        ),
        board=measurement.Board(
            id=offered.board,
            domain=offered.domain,
            uid=offered.uid or None,
            core=offered.core or None,
            clock_hz=offered.clock_hz or None,
            firmware=offered.firmware or None,
            build=offered.build or None,
            engine=offered.engine or None,
            reset_cause=session.reset_cause,
            boot_count=session.boot_count,
        ),
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
    series, features = findings.series, offered.features
    return measurement.Memory(
        arena_bytes=(
            series.arena_high_water_bytes
            if Feature.ARENA_HIGH_WATER in features
            else findings.loaded.arena_bytes
        ),
        arena_available_bytes=findings.loaded.arena_available_bytes,
        stack_bytes=(
            series.stack_high_water_bytes if Feature.STACK_HIGH_WATER in features else None
        ),
        static_bytes=offered.static_bytes or None,
        plan_store=findings.candidate.store.name.lower(),
    )


def _output(series: Series, expected: ExpectedOutput | None) -> measurement.Output:
    if series.unstable_at is not None:
        verdict = Verdict.NONDETERMINISTIC
    elif expected is None:
        verdict = Verdict.UNCHECKED
    elif expected.crc32 == series.output_crc32:
        verdict = Verdict.EXACT
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
        for index, (op, count) in enumerate(zip(findings.candidate.plan.ops, cycles, strict=False))
    )
