"""Which evidence a latency rests on: the best there is, and it says which."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import attrs
import pytest

import devices
from host.compiler import PlannedOp, compile_graph
from host.errors import ConfigError
from host.evidence import History
from host.models import load_model
from host.targeting.catalog import devices_for
from host.targeting.latency import Method, may_gate
from host.targeting.simulate import simulate
from host.targeting.site import Site
from host.targeting.text import format_latency
from protocol.measurement import (
    Board,
    Candidate,
    Evidence,
    Fidelity,
    Input,
    LatencyMs,
    Link,
    Measurement,
    Memory,
    Model,
    Output,
    Source,
    Verdict,
)
from tests.support.make import ROOT

SHA = "cd" * 32
FLOPS = 15_200_000
RECORD = Measurement(
    model=Model(name="m.tflite", sha256=SHA, format="tflite"),
    candidate=Candidate(precision="int8", plan_bytes=900, plan_crc32=1, macs=1000),
    board=Board(
        id="pico",
        domain="mcu",
        core="cortex-m0plus",
        clock_hz=133_000_000,
        engine="jump_rt 0.1.0",
    ),
    evidence=Evidence(source=Source.EMULATED, fidelity=Fidelity.CYCLE, error_band_pct=10.0),
    latency_ms=LatencyMs(
        n=3, warmup=1, first=9.0, min=7.0, median=7.0, mean=7.0, p95=7.0, p99=7.0, max=7.0
    ),
    memory=Memory(arena_bytes=64, plan_store="ram"),
    input=Input(crc32=1, source="seeded", seed=0),
    output=Output(crc32=2, expected_crc32=2, verdict=Verdict.EXACT),
    link=Link(transport="emulator", bytes_sent=1, bytes_received=1),
    at=datetime(2026, 1, 2, tzinfo=UTC),
)


@pytest.fixture(scope="module")
def ops() -> tuple[PlannedOp, ...]:
    return compile_graph(load_model(ROOT / "examples" / "digits_cnn_int8.tflite")).ops


def site_of(device: str, domain: str = "mcu") -> Site:
    known = devices_for(devices.load_all(), include=(device,))
    sites = next(entry.sites for entry in known if entry.id == device)
    return next(site for site in sites if site.domain == domain)


def _latency(record: Measurement, median_ms: float) -> Measurement:
    latency = attrs.evolve(record.latency_ms, median=median_ms, min=median_ms, max=median_ms)
    return attrs.evolve(record, latency_ms=latency)


def test_a_measurement_of_the_cell_comes_first(ops: tuple[PlannedOp, ...], tmp_path: Path) -> None:
    with History.open(str(tmp_path / "h.sqlite")) as history:
        silicon = Evidence(source=Source.HARDWARE, fidelity=Fidelity.SILICON)
        history.add(_latency(attrs.evolve(RECORD, evidence=silicon), 5.0))
        history.add(RECORD)
        found = simulate(site_of("pico"), ops, None, "int8", history, model_sha256=SHA)
    assert (found.method, found.median_ms) == (Method.MEASURED, 5.0)  # hardware, though older
    assert found.evidence.source == Source.HARDWARE
    assert found.is_measured


@pytest.mark.parametrize(
    "other",
    [
        attrs.evolve(RECORD, board=attrs.evolve(RECORD.board, clock_hz=125_000_000)),
        attrs.evolve(RECORD, board=attrs.evolve(RECORD.board, id="uno")),
        attrs.evolve(
            RECORD, board=attrs.evolve(RECORD.board, engine="micropython 1.27.0 jump_mp 0.1.0")
        ),
        attrs.evolve(RECORD, model=attrs.evolve(RECORD.model, sha256="00" * 32)),
        attrs.evolve(RECORD, candidate=attrs.evolve(RECORD.candidate, precision="int4")),
        attrs.evolve(RECORD, output=attrs.evolve(RECORD.output, verdict=Verdict.MISMATCH)),
        attrs.evolve(
            RECORD, evidence=Evidence(source=Source.EMULATED, fidelity=Fidelity.ISA_PROXY)
        ),
    ],
    ids=["clock", "board", "engine", "model", "precision", "wrong output", "no time model"],
)
def test_a_measurement_of_another_cell_does_not(
    other: Measurement, ops: tuple[PlannedOp, ...], tmp_path: Path
) -> None:
    with History.open(str(tmp_path / "h.sqlite")) as history:
        history.add(other)
        found = simulate(site_of("pico"), ops, None, "int8", history, model_sha256=SHA)
    assert found.method == Method.COST_MODEL


def test_a_calibrated_board_is_foretold_by_its_own_model(ops: tuple[PlannedOp, ...]) -> None:
    found = simulate(site_of("pico"), ops, None, "int8")
    assert found.method == Method.COST_MODEL
    assert found.evidence == Evidence(source=Source.SIMULATED, fidelity=Fidelity.MODEL)
    assert not found.is_measured
    assert found.label == "RP2040 @ 133MHz, cost model"
    assert found.low_ms is not None
    assert found.high_ms is not None
    assert found.low_ms < found.median_ms < found.high_ms == found.judged_ms
    # The calibration was emulated: it is no closer to silicon than its emulator.
    assert found.high_ms / found.median_ms > 1.1
    assert may_gate(found.evidence, "any")
    assert not may_gate(found.evidence, "emulated")


def test_a_clock_of_its_own_scales_the_time(ops: tuple[PlannedOp, ...]) -> None:
    fast = simulate(site_of("pico"), ops, None, "int8")
    slow = simulate(attrs.evolve(site_of("pico"), clock_hz=66.5e6), ops, None, "int8")
    assert slow.median_ms == pytest.approx(2 * fast.median_ms)


def test_the_same_core_in_another_part_is_scaled_by_clock(ops: tuple[PlannedOp, ...]) -> None:
    pico, nucleo = (simulate(site_of(d), ops, None, "int8") for d in ("pico", "nucleo_g0b1re"))
    assert nucleo.method == Method.SCALED
    assert nucleo.median_ms == pytest.approx(pico.median_ms * 133 / 64)
    assert "cost model of pico x2.08" in nucleo.label
    assert pico.high_ms is not None
    assert nucleo.high_ms is not None
    assert nucleo.high_ms / nucleo.median_ms > pico.high_ms / pico.median_ms  # and less is known


def test_without_a_related_core_the_roofline_is_left(ops: tuple[PlannedOp, ...]) -> None:
    found = simulate(site_of("esp32"), ops, None, "int8")
    assert found.method == Method.ROOFLINE
    assert found.label == "ESP32 @ 240MHz, roofline"
    assert found.high_ms == pytest.approx(2 * found.median_ms)
    assert format_latency(found).startswith("Estimated latency: ~")


def test_floats_are_not_foretold_from_an_int8_calibration(ops: tuple[PlannedOp, ...]) -> None:
    linux = site_of("jumpstation", "mpu")
    int8, float32 = (simulate(linux, ops, None, p) for p in ("int8", "float32"))
    assert int8.method == float32.method == Method.ROOFLINE
    assert float32.median_ms > int8.median_ms
    with pytest.raises(ConfigError, match="does not execute float32"):
        simulate(site_of("pico"), ops, None, "float32")


def test_an_accelerator_is_not_taken_at_its_peak(ops: tuple[PlannedOp, ...]) -> None:
    with_npu = simulate(site_of("turbo", "mpu"), ops, None, "int8")
    without = simulate(site_of("jumpstation", "mpu"), ops, None, "int8")
    assert with_npu.median_ms < without.median_ms
    assert with_npu.judged_ms == pytest.approx(without.judged_ms)


def test_operations_alone_give_a_latency_on_every_board() -> None:
    profiles = devices.load_all()
    boards = devices_for(profiles, include=("nucleo_g0b1re", "jetson_orin_nano"))
    found = {
        f"{board.id}.{site.domain}": simulate(site, None, FLOPS, "int8")
        for board in boards
        for site in board.sites
    }
    for figure in found.values():
        assert figure.evidence.source == Source.SIMULATED
        assert figure.low_ms is not None
        assert figure.high_ms is not None
        assert 0 < figure.low_ms < figure.median_ms < figure.high_ms
    # 7.6 million multiply-accumulates at 4 to 18 cycles, as whole models take them there.
    assert 200 < found["pico.mcu"].median_ms < 700
    order = [found[name].median_ms for name in ("uno.mcu", "pico.mcu", "esp32.mcu", "uno_q.mpu")]
    assert order == sorted(order, reverse=True)


def test_nothing_known_is_said_so() -> None:
    with pytest.raises(ConfigError, match="neither ops nor operations"):
        simulate(site_of("pico"), None, None, "int8")
