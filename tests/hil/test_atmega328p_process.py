"""The emulated UNO as a process: found, idle for free, fast enough, honest about its end."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from hil.emulators.atmega328p import Atmega328pEmulator
from hil.emulators.process import EmulatorProcess
from host.emulators import find_emulator, open_emulator
from host.errors import ConfigError
from host.links.emulator import EmulatorLink
from tests.hil.dialogue import Control
from tests.hil.processes import (
    assert_a_kill_is_reported,
    assert_idle_answers_at_once,
    assert_idle_uses_no_cpu,
    assert_the_kill_command_ends_it,
    cpu_seconds,
)

MIN_EMULATED_HZ = 15e6


def test_an_idle_board_uses_no_cpu(
    start_uno: Callable[..., EmulatorProcess], connect: Callable[[EmulatorProcess], EmulatorLink]
) -> None:
    board = start_uno("idle")
    assert_idle_uses_no_cpu(board, connect(board))


def test_an_idle_board_answers_at_once(
    start_uno: Callable[..., EmulatorProcess], connect: Callable[[EmulatorProcess], EmulatorLink]
) -> None:
    assert_idle_answers_at_once(connect(start_uno("idle")))


def test_a_busy_board_is_nearly_as_fast_as_the_part(
    start_uno: Callable[..., EmulatorProcess],
) -> None:
    board = start_uno("echo")  # polls its UART
    process = psutil.Process(board.pid)
    with Control(board) as control:
        control.command("status")
        time.sleep(0.3)  # for the compiler of the emulator's language
        cycles, before = control.command("status")["cycles"], cpu_seconds(process)
        time.sleep(0.7)
        cycles = control.command("status")["cycles"] - cycles
        used_s = cpu_seconds(process) - before
    assert cycles / used_s > MIN_EMULATED_HZ


def test_a_killed_emulator_is_reported(
    start_uno: Callable[..., EmulatorProcess], connect: Callable[[EmulatorProcess], EmulatorLink]
) -> None:
    board = start_uno("echo")
    assert_a_kill_is_reported(board, connect(board))


def test_kill_command_ends_it(start_uno: Callable[..., EmulatorProcess]) -> None:
    assert_the_kill_command_ends_it(start_uno("echo"))


def test_it_is_registered() -> None:
    emulator = find_emulator("uno")
    assert emulator.flash_models == ()
    assert emulator.links == ("uart",)
    assert emulator.default_firmware.name == "uno.hex"


def test_there_is_no_flash_model_to_choose() -> None:
    with pytest.raises(ConfigError, match="the emulated uno has no flash models"):
        open_emulator("uno", flash_model="xip")


def test_its_flash_is_not_kept(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot write its flash"):
        Atmega328pEmulator().start(flash_file=tmp_path / "flash.bin")


def test_a_missing_image_says_how_to_build_it(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such firmware image") as caught:
        Atmega328pEmulator().start(firmware=tmp_path / "none.hex")
    assert "make firmware" in caught.value.hint
