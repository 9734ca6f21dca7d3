"""Measurement records of made-up nights; nothing in them was measured."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import attrs
import numpy as np

from protocol.measurement import (
    Board,
    Candidate,
    Conditions,
    Cycles,
    Evidence,
    Fidelity,
    Input,
    LatencyMs,
    Link,
    Measurement,
    Memory,
    Model,
    OpProfile,
    Output,
    Source,
    Verdict,
)

FIRST_NIGHT = datetime(2026, 3, 1, 1, 0, tzinfo=UTC)
GCC = "gcc 12.2.1 -O2 -mcpu=cortex-m0plus"


def latency(median_ms: float, spread: float = 0.0) -> LatencyMs:
    """``spread``: half-width of the iterations, as a ratio."""
    return LatencyMs(
        n=50,
        warmup=2,
        first=median_ms * 1.1,
        min=median_ms * (1 - spread),
        median=median_ms,
        mean=median_ms,
        p95=median_ms * (1 + spread),
        p99=median_ms * (1 + spread),
        max=median_ms * (1 + spread),
    )


EMULATED = Measurement(
    model=Model(name="digits.tflite", sha256="ab" * 32, format="tflite"),
    candidate=Candidate(precision="int8", plan_bytes=900, plan_crc32=0xFEDCBA98, macs=1000),
    board=Board(
        id="pico",
        domain="mcu",
        uid="e6616408",
        core="cortex-m0plus",
        clock_hz=133_000_000,
        firmware="0.1.0",
        build=f"{GCC}, b9e226c",
        engine="jump_rt 0.1.0",
        reset_cause="power-on",
        boot_count=1,
    ),
    evidence=Evidence(
        source=Source.EMULATED,
        fidelity=Fidelity.CYCLE,
        emulator="rp2040js 1.4.1 xip",
        error_band_pct=10,
    ),
    latency_ms=latency(0.75),
    cycles=Cycles(min=100_000, median=100_000, max=100_400),
    memory=Memory(arena_bytes=4096, stack_bytes=500, plan_store="ram"),
    input=Input(crc32=1, source="seeded", seed=0),
    output=Output(crc32=2, expected_crc32=2, verdict=Verdict.EXACT, arithmetic="tflm-double"),
    ops=(
        OpProfile(index=0, kind="CONV_2D", cycles=60_000, macs=800),
        OpProfile(index=1, kind="FULLY_CONNECTED", cycles=39_000, macs=200),
        OpProfile(index=2, kind="SOFTMAX", cycles=1_000, macs=0),
    ),
    link=Link(transport="emulator", bytes_sent=1, bytes_received=1),
    at=FIRST_NIGHT,
)

PHYSICAL = attrs.evolve(
    EMULATED,
    evidence=Evidence(source=Source.HARDWARE, fidelity=Fidelity.SILICON),
    cycles=None,
    conditions=Conditions(temperature_c=(30.0, 35.0)),
    link=Link(transport="serial", bytes_sent=1, bytes_received=1),
)


def at_night(record: Measurement, night: int, session: int = 0) -> Measurement:
    return attrs.evolve(record, at=FIRST_NIGHT + timedelta(days=night, minutes=5 * session))


def slower(record: Measurement, ratio: float, op: int = 0) -> Measurement:
    """All of the slow-down in one op."""
    assert record.ops is not None
    extra = round(record.latency_ms.median * 133_000 * ratio)
    ops = tuple(
        attrs.evolve(entry, cycles=entry.cycles + extra * (entry.index == op))
        for entry in record.ops
    )
    cycles = record.cycles and Cycles(
        min=record.cycles.min + extra,
        median=record.cycles.median + extra,
        max=record.cycles.max + extra,
    )
    return attrs.evolve(
        record, latency_ms=latency(record.latency_ms.median * (1 + ratio)), cycles=cycles, ops=ops
    )


def session_medians(
    generator: np.random.Generator,
    shape: Sequence[int],
    *,
    between: float = 0.02,
    within: float = 0.005,
    iterations: int = 25,
) -> np.ndarray:
    """Median latencies of sessions around 1 ms, float64 of ``shape``.

    Each session deviates by ``between``, each of its iterations by ``within`` more (standard
    deviations, as ratios).
    """
    levels = 1 + between * generator.standard_normal(shape)
    jitter = within * generator.standard_normal((*shape, iterations))
    return np.asarray(levels * (1 + np.median(jitter, axis=-1)))


def physical_nights(
    medians: np.ndarray, record: Measurement = PHYSICAL, first_night: int = 0
) -> list[Measurement]:
    """Records of one cell; ``medians``: milliseconds, shape (nights, sessions)."""
    return [
        at_night(
            attrs.evolve(record, latency_ms=latency(float(value), 0.005)),
            first_night + night,
            session,
        )
        for night, row in enumerate(medians)
        for session, value in enumerate(row)
    ]
