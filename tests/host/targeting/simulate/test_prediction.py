"""Foretold against emulated cycles, of whole models that no calibration has seen.

``python -m benchmarks.prediction`` is the full table. Where this fails after a change of the
runtime's kernels, the shipped calibration is of the kernels before it: ``host calibrate``.
"""

from __future__ import annotations

from pathlib import Path

import pytest

import devices
from benchmarks.prediction import LIMIT, Comparison, compare, inside, p95
from host.boards.reach import EmulatedBoard
from host.emulators import find_emulator
from host.measurement.observer import Observer, Silent
from host.models.tflite_writer import write_float_tflite
from host.targeting.simulate.calibration import FILE_NAME, INTERVAL, Calibration
from host.targeting.simulate.campaign import run_campaign
from protocol.messages import Store
from tests.support.make import ROOT
from tests.support.networks import branched, perceptron, residual, separable_cnn

UNSEEN: Observer = Silent()


def _calibration(board: str) -> Calibration:
    return Calibration.read(devices.load(board).path.with_name(FILE_NAME))


def _compare_networks(board: str, width: int, folder: Path) -> list[Comparison]:
    calibration = _calibration(board)
    comparisons = []
    for seed, network in ((31, separable_cnn), (32, residual), (33, perceptron), (34, branched)):
        graph = network(seed, width)
        path = folder / f"{graph.name}.tflite"
        path.write_bytes(write_float_tflite(graph))
        comparisons.append(compare(path, board, calibration))
    return comparisons


def test_whole_models_on_the_pico(tmp_path: Path) -> None:
    comparisons = _compare_networks("pico", 4, tmp_path)
    calibration = _calibration("pico")
    comparisons.append(compare(ROOT / "examples" / "digits_cnn_int8.tflite", "pico", calibration))
    flash = compare(ROOT / "examples" / "digits_cnn_int8.tflite", "pico", calibration, Store.FLASH)
    comparisons.append(flash)
    shown = "\n".join(f"{c.model} {c.store}: {100 * c.error:+.1f} %" for c in comparisons)
    assert p95(comparisons) <= 0.10, shown
    assert inside(comparisons) >= INTERVAL, shown


def test_a_campaign_measures_what_the_shipped_calibration_foretells() -> None:
    calibration = _calibration("pico")
    with EmulatedBoard("pico", flash_model=None, link=None) as board:
        campaign = run_campaign(board, UNSEEN, every=61)
    assert campaign.head["board"] == calibration.board
    assert campaign.head["emulator"] == calibration.emulator
    assert {sample.store for sample in campaign.samples} == {"ram", "flash"}
    errors = [
        abs(calibration.predict([sample.op], sample.store).cycles / sample.cycles - 1)
        for sample in campaign.samples
    ]
    assert len(errors) >= 10
    assert sorted(errors)[int(0.8 * len(errors))] < 0.15


@pytest.mark.parametrize("board", ["uno", "uno_q"])
def test_a_whole_model_on_the_other_calibrated_boards(board: str) -> None:
    missing = find_emulator(board).missing()
    if missing is not None:
        pytest.skip(f"the emulated {board} cannot be started: {missing}")
    calibration = _calibration(board)
    model = ROOT / "examples" / "digits_mlp_int8.tflite"
    comparison = compare(model, board, calibration)
    assert abs(comparison.error) <= LIMIT[calibration.fidelity]
