"""Fitting, the file, and what is foretold of ops that were never measured."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pytest

import devices
from host.compiler import CompileOptions, PlannedOp, compile_graph
from host.errors import ConfigError
from host.measurement.observer import Silent
from host.models.graph import OpKind
from host.targeting.simulate.calibrate import CalibrateRequest, calibrate
from host.targeting.simulate.calibration import FILE_NAME, Calibration
from host.targeting.simulate.fit import fit
from host.targeting.simulate.models import GraphBuilder
from host.targeting.simulate.samples import Sample, read_samples, samples_path
from host.targeting.simulate.sweep import Room, sweep
from host.targeting.simulate.work import work_of
from protocol.plan import PlanOp

CALIBRATED = [
    profile.id for profile in devices.load_all() if profile.path.with_name(FILE_NAME).is_file()
]
HEAD: dict[str, Any] = {
    "board": "pico",
    "domain": "mcu",
    "core": "a-core",
    "clock_hz": 100_000_000,
    "pool_bytes": 4096,
    "firmware": "0.1.0",
    "build": "b",
    "engine": "jump_rt 0.1.0",
    "source": "emulated",
    "fidelity": "cycle",
    "emulator": "an emulator",
    "error_band_pct": 10.0,
    "at": datetime(2026, 1, 2, tzinfo=UTC),
}
CYCLES = {"op": 300.0, "mac": 5.0, "output": 70.0, "quad": 8.0, "element": 11.0, "read": 9.0}
MISSED = 7.0


def _cycles(op: PlannedOp) -> int:
    """What a made-up core takes: linear in the op's work."""
    return round(sum(CYCLES.get(name, 0.0) * n for name, n in work_of(op).counts.items()))


def _samples(ops: set[PlanOp], stores: tuple[str, ...] = ("ram", "flash")) -> list[Sample]:
    options = CompileOptions(op_set=frozenset(ops | {PlanOp.CONSTANT}))
    room = Room(arena_bytes=20_000, plan_bytes=20_000, macs=200_000)
    return [
        Sample(op, _cycles(op), store, op.constant_bytes)
        for model in sweep(options, room)
        for op in model.plan.ops
        for store in stores
    ]


def _fully_connected(inputs: int, outputs: int) -> PlannedOp:
    build = GraphBuilder(7)
    graph = build.build(build.fully_connected(build.input((1, inputs)), outputs))
    return compile_graph(graph).ops[0]


def test_a_fit_finds_the_cycles_behind_noise() -> None:
    draw = np.random.default_rng(1)
    counts = [
        {"op": 1.0, "mac": float(n), "row": float(draw.integers(1, 50))}
        for n in draw.integers(10, 100_000, 60)
    ]
    cycles = [200 + 4 * c["mac"] + 30 * c["row"] for c in counts]
    exact = fit(counts, cycles)
    assert exact is not None
    assert exact.weights == pytest.approx({"op": 200, "mac": 4, "row": 30}, rel=1e-6)
    assert exact.residuals.largest < 1e-9
    noisy = fit(counts, [c * f for c, f in zip(cycles, draw.uniform(0.9, 1.1, 60), strict=True)])
    assert noisy is not None
    assert noisy.weights["mac"] == pytest.approx(4, rel=0.05)
    assert 0.05 < noisy.residuals.p90 < 0.15
    assert noisy.residuals.median <= noisy.residuals.p90 <= noisy.residuals.p95


def test_no_count_makes_an_op_faster() -> None:
    counts = [{"a": float(n), "b": float(n * n)} for n in range(1, 20)]
    found = fit(counts, [max(1.0, 5 * c["a"] - 0.05 * c["b"]) for c in counts])
    assert found is not None
    assert min(found.weights.values()) > 0


def test_too_few_ops_are_not_fitted() -> None:
    assert fit([{"op": 1.0}] * 3, [5.0] * 3) is None
    with pytest.raises(ConfigError, match="too few"):
        Calibration.fitted(HEAD, _samples({PlanOp.SOFTMAX}, ("ram",))[:2])


def test_an_unseen_op_is_foretold_from_the_others() -> None:
    calibration = Calibration.fitted(HEAD, _samples({PlanOp.FULLY_CONNECTED}))
    op = _fully_connected(150, 40)
    foretold = calibration.predict([op, op])
    assert foretold.cycles == pytest.approx(2 * _cycles(op), rel=1e-3)
    assert foretold.low < foretold.cycles < foretold.high


def test_an_op_that_was_never_measured_gets_a_wide_interval() -> None:
    calibration = Calibration.fitted(HEAD, _samples({PlanOp.FULLY_CONNECTED}))
    build = GraphBuilder(1)
    op = compile_graph(build.build(build.lookup(OpKind.LOGISTIC, build.input((1, 500))))).ops[0]
    foretold = calibration.predict([op])
    assert foretold.high >= 2 * foretold.cycles > 0
    known = calibration.predict([_fully_connected(150, 40)])
    both = calibration.predict([op, _fully_connected(150, 40)])
    assert both.cycles == pytest.approx(foretold.cycles + known.cycles)


def test_a_plan_goes_to_flash_where_ram_does_not_hold_it() -> None:
    calibration = Calibration.fitted(HEAD, _samples({PlanOp.FULLY_CONNECTED}))
    assert calibration.store_for([_fully_connected(50, 10)]) == "ram"
    assert calibration.store_for([_fully_connected(400, 10)]) == "flash"
    only = Calibration.fitted(HEAD, _samples({PlanOp.FULLY_CONNECTED}, ("flash",)))
    assert only.store_for([_fully_connected(50, 10)]) == "flash"


def test_a_cache_before_the_flash_is_found_in_the_measurements() -> None:
    def measured(sample: Sample) -> Sample:
        missed = sample.op.constant_bytes if sample.op.constant_bytes > 12_000 else 0
        if sample.store == "ram":
            missed = 0
        return attrs.evolve(sample, cycles=round(sample.cycles + MISSED * missed))

    plain = _samples({PlanOp.FULLY_CONNECTED})
    assert Calibration.fitted(HEAD, plain).flash_cache_bytes is None
    cached = Calibration.fitted(HEAD, [measured(sample) for sample in plain])
    assert cached.flash_cache_bytes is not None
    assert 6_000 <= cached.flash_cache_bytes <= 12_000
    small = _fully_connected(100, 50)
    alone = cached.predict([small], "flash").cycles
    among_others = cached.predict([small, _fully_connected(300, 60)], "flash").cycles
    large = cached.predict([_fully_connected(300, 60)], "flash").cycles
    extra = among_others - alone - large
    assert extra == pytest.approx(MISSED * small.constant_bytes, rel=0.1)


def test_the_file_holds_all_of_it(tmp_path: Path) -> None:
    calibration = Calibration.fitted(HEAD, _samples({PlanOp.FULLY_CONNECTED, PlanOp.ADD}))
    path = tmp_path / FILE_NAME
    calibration.write(path)
    again = Calibration.read(path)
    ops = [_fully_connected(64, 64)]
    assert again.predict(ops).cycles == pytest.approx(calibration.predict(ops).cycles, rel=1e-4)
    assert attrs.evolve(again, fits={}) == attrs.evolve(calibration, fits={})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "no calibration"),
        ("[]", "no calibration"),
        ('{"schema": "calibration/0"}', "not of version calibration/1"),
        ('{"schema": "calibration/1", "fits": []}', "no calibration"),
    ],
)
def test_a_broken_file_is_named(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / FILE_NAME
    path.write_text(text)
    with pytest.raises(ConfigError, match=message) as caught:
        Calibration.read(path)
    assert str(path) in str(caught.value)


def test_a_broken_sample_is_named_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "calibration_samples.jsonl"
    path.write_text('{"board": "pico"}\n{"cycles": 5}\n')
    with pytest.raises(ConfigError, match="line 2"):
        read_samples(path)


@pytest.mark.parametrize("board", CALIBRATED)
def test_a_shipped_calibration_is_what_its_samples_give(board: str, tmp_path: Path) -> None:
    shipped = devices.load(board).path.with_name(FILE_NAME)
    copy = tmp_path / FILE_NAME
    samples_path(copy).write_bytes(samples_path(shipped).read_bytes())
    done = calibrate(CalibrateRequest(board=board, output=copy, refit=True), Silent())
    assert done.calibration.board == board
    again, kept = (Calibration.read(path) for path in (copy, shipped))
    assert attrs.evolve(again, fits={}) == attrs.evolve(kept, fits={})
    # Counts that go together may share their cycles otherwise with another release of SciPy.
    for sample in read_samples(samples_path(copy))[1]:
        assert again.predict([sample.op], sample.store).cycles == pytest.approx(
            kept.predict([sample.op], sample.store).cycles, rel=1e-2
        )


def test_samples_of_another_board_are_refused(tmp_path: Path) -> None:
    copy = tmp_path / FILE_NAME
    shipped = devices.load("pico").path.with_name(FILE_NAME)
    samples_path(copy).write_bytes(samples_path(shipped).read_bytes())
    with pytest.raises(ConfigError, match="is of 'pico', not of 'uno'"):
        calibrate(CalibrateRequest(board="uno", output=copy, refit=True), Silent())


def test_nothing_to_refit_says_what_makes_it(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        calibrate(CalibrateRequest(board="pico", output=tmp_path / FILE_NAME, refit=True), Silent())
    assert "host calibrate" in caught.value.hint
