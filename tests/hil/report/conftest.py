"""A made-up night: a regression, a flagged board, a missing cell, a new one, and the rest."""

from __future__ import annotations

from datetime import timedelta

import attrs
import numpy as np
import pytest

from hil.nightly import NightVerdict, accept, compare
from host.evidence import LatencyPoint
from protocol.measurement import Evidence, Fidelity, Measurement, Source
from tests.support.nights import (
    EMULATED,
    FIRST_NIGHT,
    GCC,
    PHYSICAL,
    at_night,
    physical_nights,
    session_medians,
    slower,
)

HOSTILE = "</script><b>a & b</b>\x07.tflite"
"""A model's name can be anything that a file's can."""


def named(record: Measurement, model: str, **board: object) -> Measurement:
    return attrs.evolve(
        record,
        model=attrs.evolve(record.model, name=model),
        board=attrs.evolve(record.board, **board),
    )


PROXY = named(
    attrs.evolve(
        EMULATED,
        evidence=Evidence(source=Source.EMULATED, fidelity=Fidelity.ISA_PROXY, emulator="qemu 7 x"),
    ),
    "digits.tflite",
    id="esp32",
    uid=None,
)
HOT = named(PHYSICAL, "digits.tflite", id="uno", uid="55736")


@pytest.fixture(scope="session")
def night() -> NightVerdict:
    past = physical_nights(0.75 * session_medians(np.random.default_rng(1), (8, 4)))
    emulated = [EMULATED, named(EMULATED, HOSTILE), PROXY, HOT, named(EMULATED, "gone.tflite")]
    baseline = accept("v1", "as released", [*past, *(at_night(r, 7, 5) for r in emulated)])
    throttled = attrs.evolve(
        HOT, conditions=attrs.evolve(HOT.conditions, throttled=True, temperature_c=(60.0, 81.0))
    )
    regressed = named(slower(EMULATED, 0.03), "digits.tflite", build=f"{GCC}, 1234567")
    tonight = [
        regressed,
        named(EMULATED, HOSTILE),
        PROXY,
        throttled,
        named(EMULATED, "new.tflite"),
        PHYSICAL,
    ]
    return compare(baseline, [at_night(record, 20, i) for i, record in enumerate(tonight)])


def point(record: Measurement, night: int, median_ms: float) -> LatencyPoint:
    return LatencyPoint(
        at=FIRST_NIGHT + timedelta(days=night),
        model=record.model.name,
        precision=record.candidate.precision,
        board=record.board.id,
        domain=record.board.domain,
        uid=record.board.uid,
        engine=record.board.engine,
        plan_store=record.memory.plan_store,
        input_source=record.input.source,
        input_seed=record.input.seed,
        source=record.evidence.source,
        emulator=record.evidence.emulator,
        build=record.board.build,
        median_ms=median_ms,
        arena_bytes=record.memory.arena_bytes,
    )


@pytest.fixture(scope="session")
def points(night: NightVerdict) -> list[LatencyPoint]:
    generator = np.random.default_rng(2)
    return [
        point(cell.shown, n, 0.75 * (1 + 0.01 * float(generator.standard_normal())))
        for n in range(20)
        for cell in night.cells
    ]


MODELS, BOARDS, NIGHTS = 10, 10, 365


@pytest.fixture(scope="session")
def year() -> tuple[NightVerdict, list[LatencyPoint]]:
    """365 nights of 10 models on 10 boards."""
    records = [
        named(EMULATED, f"model{m:02}.tflite", id=f"board{b:02}", uid=f"{b:04}")
        for m in range(MODELS)
        for b in range(BOARDS)
    ]
    baseline = accept("v1", "as released", records)
    generator = np.random.default_rng(3)
    ratios = 1 + 0.01 * generator.standard_normal((NIGHTS, len(records)))
    points = [
        point(record, night, 0.75 * float(ratios[night, index]))
        for night in range(NIGHTS)
        for index, record in enumerate(records)
    ]
    tonight = [slower(records[0], 0.05), *records[1:]]
    return compare(baseline, [at_night(record, NIGHTS) for record in tonight]), points
