"""The machines that stand in for Espressif's chips, started and reset from outside."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from hil.emulators.process import EmulatorProcess
from hil.emulators.xtensa_sim import XtensaSimEmulator
from host.emulators import find_emulator
from host.errors import ConfigError
from host.links.emulator import EmulatorLink
from host.session import Session
from tests.firmware.esp32.qemu.machines import MACHINES, Machine, built
from tests.hil.dialogue import Control

STARTS = [
    ("power", "power-on", 1),
    ("pin", "pin", 2),
    ("pin", "pin", 3),
    ("power", "power-on", 1),
]


@pytest.fixture(params=MACHINES, ids=lambda machine: machine.board)
def machine(request: pytest.FixtureRequest) -> Machine:
    found: Machine = request.param
    return found


@pytest.fixture
def board(machine: Machine) -> Iterator[EmulatorProcess]:
    process = built(machine).start()
    yield process
    process.stop()


def test_it_is_registered_and_can_be_started_here(machine: Machine) -> None:
    emulator = find_emulator(machine.board)
    assert isinstance(emulator, machine.emulator)
    assert emulator.missing() is None
    assert (emulator.links, emulator.flash_models) == (("uart",), ())


def test_without_the_program_it_says_what_is_missing(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "qemu-system-" in (machine.emulator().missing() or "")


def test_a_flash_file_is_refused(machine: Machine, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="does not write its flash"):
        machine.emulator().start(flash_file=tmp_path / "flash.bin")


def _qemu_with(folder: Path, machine: str) -> None:
    program = folder / "qemu-system-xtensa"
    program.write_text(f"#!/bin/sh\necho 'Supported machines are:'\necho '{machine}  a machine'\n")
    program.chmod(0o755)


def test_the_parts_own_image_is_taken_where_qemu_knows_the_part(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    part_image = tmp_path / "esp32-emulated.bin"
    monkeypatch.setattr("hil.emulators.xtensa_sim._PART_IMAGE", part_image)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    emulator = XtensaSimEmulator()
    _qemu_with(tmp_path, "esp32")
    assert emulator.default_firmware.name == "esp32-qemu.bin", "there is no image for it"
    part_image.write_bytes(bytes(4 << 20))
    assert emulator.default_firmware == part_image
    assert emulator.arguments(part_image, "9.0.0")[:2] == ["-machine", "esp32"]
    _qemu_with(tmp_path, "esp32s3")
    assert emulator.default_firmware.name == "esp32-qemu.bin"


def test_power_loses_memory_and_the_pin_does_not(board: EmulatorProcess) -> None:
    with Session(EmulatorLink(board)) as session, Control(board) as control:
        for command, cause, boot_count in STARTS:
            control.command(command)
            assert control.next_message() == {"event": "reset", "cause": command}
            session.connect()
            assert (session.reset_cause, session.boot_count) == (cause, boot_count)


def test_an_idle_board_leaves_the_computer_alone(board: EmulatorProcess) -> None:
    with Session(EmulatorLink(board)) as session:
        session.connect()
        bridge = psutil.Process(board.pid)
        processes = [bridge, *bridge.children(recursive=True)]

        def used_s() -> float:
            times = [process.cpu_times() for process in processes]
            return sum(time.user + time.system for time in times)

        before, started = used_s(), time.monotonic()
        time.sleep(2.0)
        assert used_s() - before < 0.3 * (time.monotonic() - started)
