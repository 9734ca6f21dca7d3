"""The UNO Q on QEMU: found, cheap when idle, never left behind, honest at their end."""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

import hil.emulators.mps2_an505 as mps2_an505
from hil.emulators.process import EmulatorProcess
from hil.emulators.qemu import program_version
from host.emulators import find_emulator
from host.errors import ConfigError, LinkError
from host.links.emulator import EmulatorLink
from host.session import Session
from tests.firmware.uno_q.images import Image, built
from tests.hil.dialogue import Control, read_bytes

ECHO = Path(__file__).parent / "firmware" / "uno_q" / "echo.c"


@pytest.fixture(scope="module")
def echo_image() -> Image:
    return built("uno_q-an505", "echo", f"MAIN={ECHO}")


@pytest.fixture
def board(echo_image: Image) -> Iterator[EmulatorProcess]:
    process = echo_image.start()
    yield process
    process.stop()


def qemu_of(board: EmulatorProcess) -> psutil.Process:
    (child,) = psutil.Process(board.pid).children()
    return child


def is_gone(pid: int, within_s: float = 5.0) -> bool:
    end = time.monotonic() + within_s
    while psutil.pid_exists(pid) and time.monotonic() < end:
        time.sleep(0.05)
    return not psutil.pid_exists(pid)


def test_it_is_registered_and_can_be_started_here(echo_image: Image) -> None:
    echo_image.start().stop()  # builds the plug-in
    emulator = find_emulator("uno_q")
    assert isinstance(emulator, mps2_an505.Mps2An505Emulator)
    assert emulator.missing() is None
    assert (emulator.links, emulator.flash_models) == (("uart",), ())


def test_every_byte_passes_both_ways(board: EmulatorProcess) -> None:
    sent = bytes(range(256)) * 20 + random.Random(3).randbytes(20_000)
    with EmulatorLink(board) as link:
        link.write(sent)
        assert read_bytes(link, len(sent)) == sent


def test_the_uart_has_one_user(board: EmulatorProcess) -> None:
    with EmulatorLink(board) as first:
        with socket.create_connection((board.host, board.port), timeout=5.0) as second:
            assert second.recv(1) == b""
        first.write(b"?")
        assert read_bytes(first, 1) == b"?"


def test_control(board: EmulatorProcess) -> None:
    with Control(board) as control:
        assert control.command("status")["running"] is True
        assert control.command("dance")["error"] == "unknown command"
        assert control.command("power") == {"command": "power"}
        assert control.next_message() == {"event": "reset", "cause": "power"}
        assert control.command("kill") == {"command": "kill"}
    report = board.exit_report(wait_s=5.0)
    assert report is not None
    assert "exit code 0" in report


def test_power_is_cut_under_load_without_losing_the_line(board: EmulatorProcess) -> None:
    with EmulatorLink(board) as link, Control(board) as control:
        for _ in range(3):
            before = qemu_of(board).pid
            link.write(bytes(5000))
            control.command("power")
            assert control.next_message() == {"event": "reset", "cause": "power"}
            assert is_gone(before)
            while read_bytes(link, 1, timeout_s=0.5):
                pass
            link.write(b"!")
            assert read_bytes(link, 1) == b"!"


def test_a_killed_qemu_is_reported(board: EmulatorProcess) -> None:
    link = EmulatorLink(board)
    qemu_of(board).kill()
    with pytest.raises(LinkError, match=r"exit code 70.*qemu-system-arm ended .*signal 9"):
        link.read(5.0)
    link.close()


def test_closing_the_link_ends_both_processes(board: EmulatorProcess) -> None:
    child = qemu_of(board).pid
    EmulatorLink(board).close()
    assert is_gone(board.pid)
    assert is_gone(child)


def test_a_killed_bridge_takes_qemu_with_it(board: EmulatorProcess) -> None:
    child = qemu_of(board).pid
    os.kill(board.pid, signal.SIGKILL)
    assert is_gone(child)


def test_no_process_outlives_its_parent(echo_image: Image) -> None:
    script = (
        "import sys, time; from pathlib import Path;"
        "from hil.emulators.mps2_an505 import Mps2An505Emulator;"
        "board = Mps2An505Emulator().start(firmware=Path(sys.argv[1]));"
        "print(board.pid, flush=True); time.sleep(60)"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", script, str(echo_image.file("bin"))],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert parent.stdout is not None
    with parent.stdout:
        bridge = psutil.Process(int(parent.stdout.readline()))
    (child,) = bridge.children()
    parent.kill()
    parent.wait()
    assert is_gone(bridge.pid)
    assert is_gone(child.pid)


def test_an_idle_board_leaves_the_computer_alone(board: EmulatorProcess) -> None:
    processes = [psutil.Process(board.pid), qemu_of(board)]

    def used_s() -> float:
        times = [process.cpu_times() for process in processes]
        return sum(time.user + time.system for time in times)

    with EmulatorLink(board) as link:
        link.write(b"!")
        assert read_bytes(link, 1) == b"!"
        before, started = used_s(), time.monotonic()
        time.sleep(2.0)
        assert used_s() - before < 0.3 * (time.monotonic() - started)


def test_the_firmware_finds_out_who_emulates_it() -> None:
    program = mps2_an505.Mps2An505Emulator().find_program()
    with Session(EmulatorLink(built("uno_q-an505").start())) as session:
        name = session.connect().emulator
    assert name == f"qemu-system-arm {program_version(program)} mps2-an505"


def test_without_the_program_it_says_what_is_missing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    emulator = mps2_an505.Mps2An505Emulator()
    assert "qemu-system-arm" in (emulator.missing() or "")
    with pytest.raises(ConfigError) as caught:
        emulator.start()
    assert "make setup" in caught.value.hint


def test_without_the_plugin_it_says_how_to_build_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(mps2_an505, "PLUGIN", tmp_path / "counter.so")
    with pytest.raises(ConfigError, match="counts cycles") as caught:
        mps2_an505.Mps2An505Emulator().start()
    assert "make firmware" in caught.value.hint


def test_a_missing_image_says_how_to_build_it(echo_image: Image, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such firmware image") as caught:
        mps2_an505.Mps2An505Emulator().start(firmware=tmp_path / "none.bin")
    assert "make firmware" in caught.value.hint


def test_what_it_has_no_choice_of_is_refused(tmp_path: Path) -> None:
    emulator = mps2_an505.Mps2An505Emulator()
    with pytest.raises(ConfigError, match="has no flash models"):
        emulator.start(flash_model="xip")
    with pytest.raises(ConfigError, match="has uart"):
        emulator.start(link="usb")
    with pytest.raises(ConfigError, match="does not write its flash"):
        emulator.start(flash_file=tmp_path / "flash.bin")
