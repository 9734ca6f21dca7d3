"""The host's side of probe.h, and what holds for every port that it measures.

Commands that all probes know: ``t`` reads the counter many times (steps back, largest and smallest
step, last value), ``r`` receives (count and sum), ``s`` uses the stack (high water before and
after), ``b`` tells reset cause and boot count, ``R`` restarts, ``H`` hangs; and where the emulated
part has them, ``w`` reads the counter over a pending wrap, ``m`` compares milliseconds with
instructions, ``c`` ticks with milliseconds, ``i`` idles, ``j`` idles with a byte waiting (which is
sent together with it), ``p`` reads the pin around a timed region.
"""

from __future__ import annotations

import random
import struct
from types import TracebackType
from typing import Self

import pytest

from hil.emulators.process import EmulatorProcess
from host.links.emulator import EmulatorLink
from protocol.messages import ResetCause
from tests.hil.dialogue import Control, read_bytes

_ATTEMPTS = 30
_QUIET_S = 0.2


class Probe:
    """One board running its probe.c."""

    def __init__(self, process: EmulatorProcess) -> None:
        self.process = process
        self.link = EmulatorLink(process)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.link.close()

    def ask(self, command: bytes, answers: int, timeout_s: float = 20.0) -> tuple[int, ...]:
        self.link.write(command)
        return self.answers(answers, timeout_s)

    def answers(self, count: int, timeout_s: float = 20.0) -> tuple[int, ...]:
        data = read_bytes(self.link, 4 * count, timeout_s)
        assert len(data) == 4 * count, data
        return struct.unpack(f"<{count}I", data)

    def start(self) -> tuple[ResetCause, int]:
        """Why the board last started and which start it was, from a board that may be starting."""
        for _ in range(_ATTEMPTS):
            self.link.write(b"b")  # may be lost while the board starts
            data = read_bytes(self.link, 8, timeout_s=1.0)
            if len(data) == 8:
                while self.link.read(_QUIET_S):  # answers to further ones that were not
                    pass
                cause, count = struct.unpack("<2I", data)
                return ResetCause(cause), count
        pytest.fail("the board does not start")


def assert_nothing_is_lost(probe: Probe, byte_count: int) -> None:
    """However fast the host sends, and whatever the board is busy with."""
    data = random.Random(1).randbytes(byte_count)
    expected = 0
    for byte in data:
        expected = (expected * 31 + byte) & 0xFFFFFFFF
    assert probe.ask(b"r" + data, 2) == (len(data), expected)


def stack_high_water(probe: Probe, stack_bytes: int, frame_bytes: int) -> tuple[int, int]:
    """High water in bytes before and after ``frame_bytes`` more were in use."""
    before, after = probe.ask(b"s", 2)
    assert 0 < before < stack_bytes - frame_bytes
    assert max(before, frame_bytes) < after < stack_bytes
    return before, after


def assert_time_follows_instructions_and_sleep(probe: Probe, instruction_ns: float) -> None:
    """Where an instruction takes that long, and an idle about a millisecond."""
    busy_ms, idle_ms = probe.ask(b"m", 2)
    assert busy_ms == pytest.approx(2 * 5_000_000 * instruction_ns * 1e-6, rel=0.05)
    assert 95 <= idle_ms < 1000, "a hundred times a millisecond, more on a busy computer"


def assert_power_on_starts_the_count_anew(probe: Probe) -> None:
    """From a board that has just been started."""
    with Control(probe.process) as control:
        control.command("pin")
        assert control.next_message() == {"event": "reset", "cause": "pin"}
        assert probe.start() == (ResetCause.PIN, 2)
        control.command("power")
        assert control.next_message() == {"event": "reset", "cause": "power"}
    assert probe.start() == (ResetCause.POWER_ON, 1)


def assert_requested_restarts_are_told_from(probe: Probe, fault: bytes) -> None:
    """``fault`` is a command that ends in a watchdog reset. From a board just started."""
    probe.link.write(b"R")
    assert probe.start() == (ResetCause.SOFTWARE, 2)
    probe.link.write(fault)
    assert probe.start() == (ResetCause.WATCHDOG, 3)
    probe.link.write(b"R")
    assert probe.start() == (ResetCause.SOFTWARE, 4)


def assert_the_watchdog_ends_a_hang(probe: Probe) -> None:
    """From a board that has just been started."""
    with Control(probe.process) as control:
        probe.link.write(b"H")
        assert control.next_message() == {"event": "reset", "cause": "watchdog"}
    assert probe.start() == (ResetCause.WATCHDOG, 2)
