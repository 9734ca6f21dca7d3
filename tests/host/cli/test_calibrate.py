"""``host calibrate`` where nothing is measured; the campaign has tests of its own."""

from __future__ import annotations

import shutil
from pathlib import Path

import devices
from host.targeting.simulate.calibration import FILE_NAME
from host.targeting.simulate.samples import samples_path
from tests.host.cli.conftest import HostCommand

SHIPPED = devices.load("pico").path.with_name(FILE_NAME)


def test_a_refit_prints_the_errors_and_writes_the_file(host: HostCommand, tmp_path: Path) -> None:
    output = tmp_path / FILE_NAME
    shutil.copy(samples_path(SHIPPED), samples_path(output))
    done = host("calibrate", "--board", "pico", "--refit", "--output", output)
    assert done.returncode == 0, done.stderr
    assert "CONV_2D/direct" in done.stdout
    assert f"Wrote {output}" in done.stdout
    assert output.is_file()


def test_an_unknown_board_is_refused(host: HostCommand) -> None:
    done = host("calibrate", "--board", "pica")
    assert done.returncode == 2
    assert "unknown board 'pica'" in done.stderr


def test_a_board_without_samples_says_what_makes_them(host: HostCommand, tmp_path: Path) -> None:
    done = host("calibrate", "--board", "pico", "--refit", "--output", tmp_path / FILE_NAME)
    assert done.returncode == 2
    assert "hint: `host calibrate --board ID` measures and writes it" in done.stderr


def test_a_board_without_an_emulator_needs_a_port(host: HostCommand, tmp_path: Path) -> None:
    done = host("calibrate", "--board", "orion", "--output", tmp_path / FILE_NAME)
    assert done.returncode == 2
    assert "no emulator for board 'orion'" in done.stderr
