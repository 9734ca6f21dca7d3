"""The emulated UNO as a process: found, idle for free, fast enough, honest about its end."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from hil.emulators.atmega328p import Atmega328pEmulator
from hil.emulators.process import EmulatorProcess
from host.emulators import find_emulator, open_emulator
from host.errors import ConfigError, LinkError
from host.links.emulator import EmulatorLink
from tests.hil.dialogue import Control, read_bytes

MIN_EMULATED_HZ = 15e6


def cpu_seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


def test_an_idle_board_uses_no_cpu(
    start_uno: Callable[..., EmulatorProcess], connect: Callable[[EmulatorProcess], EmulatorLink]
) -> None:
    board = start_uno("idle")
    link = connect(board)
    read_bytes(link, 1, timeout_s=5.0)
    process = psutil.Process(board.pid)
    before, started = cpu_seconds(process), time.monotonic()
    dots = read_bytes(link, 2, timeout_s=5.0)
    elapsed = time.monotonic() - started
    assert dots == b".."
    assert elapsed == pytest.approx(2.0, abs=0.5), "an idle board keeps the wall clock's time"
    assert cpu_seconds(process) - before < 0.05 * elapsed


def test_an_idle_board_answers_at_once(
    start_uno: Callable[..., EmulatorProcess], connect: Callable[[EmulatorProcess], EmulatorLink]
) -> None:
    link = connect(start_uno("idle"))
    link.read(0.1)
    started = time.monotonic()
    for _ in range(20):
        link.write(b"?")
        while b"?" not in link.read(5.0):
            pass
    assert time.monotonic() - started < 0.5


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
    link = connect(board)
    os.kill(board.pid, signal.SIGKILL)
    with pytest.raises(LinkError, match=r"the emulated board stopped .* killed by signal 9"):
        link.read(5.0)


def test_kill_command_ends_it(start_uno: Callable[..., EmulatorProcess]) -> None:
    board = start_uno("echo")
    with Control(board) as control:
        control.command("kill")
    report = board.exit_report(wait_s=5.0)
    assert report is not None
    assert "exit code 0" in report


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
