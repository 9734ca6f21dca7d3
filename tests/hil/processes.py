"""What holds for every emulator's process, whichever part it stands in for."""

from __future__ import annotations

import os
import signal
import time

import psutil
import pytest

from hil.emulators.process import EmulatorProcess
from host.errors import LinkError
from host.links.emulator import EmulatorLink
from tests.hil.dialogue import Control, read_bytes


def cpu_seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


def assert_idle_uses_no_cpu(board: EmulatorProcess, link: EmulatorLink) -> None:
    """The board runs ``idle``, which sends a dot a second."""
    # The first second is Node's compiler's, which works beside the program.
    read_bytes(link, 2, timeout_s=5.0)
    process = psutil.Process(board.pid)
    before, started = cpu_seconds(process), time.monotonic()
    dots = read_bytes(link, 2, timeout_s=5.0)
    elapsed = time.monotonic() - started
    used = cpu_seconds(process) - before
    assert dots == b".."
    assert elapsed == pytest.approx(2.0, abs=0.5), "an idle board keeps the wall clock's time"
    assert used < 0.05 * elapsed


def assert_idle_answers_at_once(link: EmulatorLink) -> None:
    """The board runs ``idle``, which sends back what it gets."""
    link.read(0.1)
    started = time.monotonic()
    for _ in range(20):
        link.write(b"?")
        while b"?" not in link.read(5.0):
            pass
    assert time.monotonic() - started < 0.5


def assert_a_kill_is_reported(board: EmulatorProcess, link: EmulatorLink) -> None:
    os.kill(board.pid, signal.SIGKILL)
    with pytest.raises(LinkError, match=r"the emulated board stopped .* killed by signal 9"):
        link.read(5.0)


def assert_the_kill_command_ends_it(board: EmulatorProcess) -> None:
    with Control(board) as control:
        control.command("kill")
    report = board.exit_report(wait_s=5.0)
    assert report is not None
    assert "exit code 0" in report
