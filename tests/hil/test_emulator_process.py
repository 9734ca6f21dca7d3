"""Emulator processes: found, idle without cost, never left behind, and honest about their end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
import serial

from hil.emulators.process import EmulatorProcess
from hil.emulators.rp2040 import Rp2040Emulator
from host.emulators import emulated_boards, find_emulator
from host.emulators.pseudo_terminal import serve_on_pty
from host.errors import ConfigError, LinkError
from host.links.emulator import EmulatorLink
from tests.hil.processes import (
    assert_a_kill_is_reported,
    assert_idle_answers_at_once,
    assert_idle_uses_no_cpu,
    assert_the_kill_command_ends_it,
)


def test_an_idle_board_uses_no_cpu(
    start: Callable[..., EmulatorProcess], connect: Callable[[EmulatorProcess], EmulatorLink]
) -> None:
    board = start("idle")
    assert_idle_uses_no_cpu(board, connect(board))


def test_an_idle_board_answers_at_once(
    start: Callable[..., EmulatorProcess], connect: Callable[[EmulatorProcess], EmulatorLink]
) -> None:
    assert_idle_answers_at_once(connect(start("idle")))


def test_a_killed_emulator_is_reported(
    start: Callable[..., EmulatorProcess], connect: Callable[[EmulatorProcess], EmulatorLink]
) -> None:
    board = start("echo")
    assert_a_kill_is_reported(board, connect(board))


def test_closing_the_link_ends_the_process(
    start: Callable[..., EmulatorProcess], connect: Callable[[EmulatorProcess], EmulatorLink]
) -> None:
    board = start("echo")
    connect(board).close()
    assert not psutil.pid_exists(board.pid)


def test_no_process_outlives_its_parent(build_image: Callable[..., Path]) -> None:
    script = (
        "import sys, time; from pathlib import Path;"
        "from hil.emulators.rp2040 import Rp2040Emulator;"
        "board = Rp2040Emulator().start(firmware=Path(sys.argv[1]));"
        "print(board.pid, flush=True); time.sleep(60)"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", script, str(build_image("echo"))], stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    with parent.stdout:
        emulator = int(parent.stdout.readline())
    assert psutil.pid_exists(emulator)
    parent.kill()
    parent.wait()
    end = time.monotonic() + 5.0
    while psutil.pid_exists(emulator) and time.monotonic() < end:
        time.sleep(0.05)
    assert not psutil.pid_exists(emulator)


def test_kill_command_ends_it(start: Callable[..., EmulatorProcess]) -> None:
    assert_the_kill_command_ends_it(start("echo"))


def test_the_pico_is_registered() -> None:
    assert "pico" in emulated_boards()
    assert find_emulator("pico").flash_models == ("xip", "zero-wait")


def test_an_unknown_board_is_named() -> None:
    with pytest.raises(ConfigError, match=r"no emulator for board 'vax' \(installed: .*pico"):
        find_emulator("vax")


def test_a_missing_image_says_how_to_build_it(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such firmware image") as caught:
        Rp2040Emulator().start(firmware=tmp_path / "none.bin")
    assert "make firmware" in caught.value.hint


def test_an_unknown_flash_model_is_refused() -> None:
    with pytest.raises(ConfigError, match="xip or zero-wait"):
        Rp2040Emulator().start(flash_model="magic")


def test_a_pseudo_terminal_is_the_board(
    start: Callable[..., EmulatorProcess], connect: Callable[[EmulatorProcess], EmulatorLink]
) -> None:
    link = connect(start("echo"))
    stop = threading.Event()
    paths: list[str] = []
    announced = threading.Event()

    def announce(path: str) -> None:
        paths.append(path)
        announced.set()

    server = threading.Thread(target=serve_on_pty, args=(link, announce, stop))
    server.start()
    try:
        assert announced.wait(5.0)
        sent = bytes(range(256)) * 4
        for _ in range(2):  # a client may come back
            with serial.Serial(paths[0], 921_600, timeout=5.0, exclusive=True) as port:
                port.write(sent)
                assert port.read(len(sent)) == sent
    finally:
        stop.set()
        server.join()


def test_a_pseudo_terminal_ends_with_its_board(
    start: Callable[..., EmulatorProcess], connect: Callable[[EmulatorProcess], EmulatorLink]
) -> None:
    board = start("echo")
    link = connect(board)
    with pytest.raises(LinkError, match="the emulated board stopped"):
        serve_on_pty(link, lambda _path: os.kill(board.pid, signal.SIGKILL))
