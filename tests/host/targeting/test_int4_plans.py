"""A profiled model's int4 plan on the catalog's boards: taken where int8's does not fit."""

from __future__ import annotations

from pathlib import Path

import attrs
import pytest

import devices
from host.targeting.catalog import devices_for
from host.targeting.profiler import Profiled, profile_model
from host.targeting.selection import choose_precision
from host.targeting.site import Device
from host.targeting.verdict import Limits
from tests.support.make import ROOT
from tests.support.pc_agent import build_pc_agent

LIMITS = Limits(tolerance=0.02)


@pytest.fixture(scope="module")
def digits() -> Profiled:
    build_pc_agent()
    return profile_model(ROOT / "examples" / "digits_cnn_float.tflite", None)


def _with_flash_for(board: str, plan_bytes: int) -> Device:
    """The catalog's board, its flash cut down to the firmware and so many bytes."""
    device = next(d for d in devices_for(devices.load_all(), (board,)) if d.id == board)
    site = device.sites[0]
    cut = attrs.evolve(site, flash_kb=site.firmware_kb + plan_bytes / 1024)
    return attrs.evolve(device, sites=(cut,))


@pytest.mark.parametrize("board", ["pico", "esp32", "esp32c3"])
def test_int4_is_taken_where_int8_does_not_fit(digits: Profiled, board: str) -> None:
    int8, int4 = (digits.vector.plan(precision) for precision in ("int8", "int4"))
    assert int8 is not None
    assert int4 is not None
    assert int4.plan_bytes < 0.7 * int8.plan_bytes
    assert int4.ops - int8.ops == {"CONV_2D_INT4", "FULLY_CONNECTED_INT4"}
    for flash_bytes, precision, passed in (
        (int8.plan_bytes, "int8", True),
        (int8.plan_bytes - 1, "int4", True),
        (int4.plan_bytes, "int4", True),
        (int4.plan_bytes - 1, "int8", False),
    ):
        (site,) = _with_flash_for(board, flash_bytes).sites
        verdict = choose_precision(site, digits.vector, LIMITS)
        assert (verdict.precision, verdict.passed) == (precision, passed)


def test_a_board_without_the_kernels_is_not_given_int4(digits: Profiled) -> None:
    int8 = digits.vector.plan("int8")
    assert int8 is not None
    (site,) = _with_flash_for("uno", int8.plan_bytes - 1).sites
    verdict = choose_precision(site, digits.vector, LIMITS)
    assert (verdict.precision, verdict.passed) == ("int8", False)


def test_a_file_with_int4_weights_is_int4(digits: Profiled, tmp_path: Path) -> None:
    """There is no int8 form of it, on whatever board; its error is not known."""
    model = tmp_path / "packed.tflite"
    model.write_bytes(digits.candidates["int4"])
    profiled = profile_model(model, None)
    assert list(profiled.candidates) == ["int4"]
    assert profiled.vector.plan("int8") is None
    plan, known = profiled.vector.plan("int4"), digits.vector.plan("int4")
    assert plan is not None
    assert known is not None
    assert plan.ops == known.ops
    assert profiled.vector.peak_ram_kb > 0
    for board, passed in (("pico", True), ("uno", False)):
        (site,) = _with_flash_for(board, 1 << 20).sites
        verdict = choose_precision(site, profiled.vector, LIMITS)
        assert verdict.precision == "int4"
        backend = next(check for check in verdict.checks if check.name == "backend")
        assert (str(backend.status) == "passed") is passed
