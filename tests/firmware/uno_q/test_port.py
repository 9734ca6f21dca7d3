"""The port on the emulated machine, measured from inside by probe.c."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable, Iterator

import pytest

from hil.emulators.process import EmulatorProcess
from host.links.emulator import EmulatorLink
from protocol.messages import ResetCause
from tests.firmware.uno_q.images import Image
from tests.hil.dialogue import Control, read_bytes

INSTRUCTION_NS = 8
STACK_BYTES = 4096
FRAME_BYTES = 1500
ATTEMPTS = 30
WORD = 1 << 32


class Probe:
    """One board running probe.c."""

    def __init__(self, process: EmulatorProcess) -> None:
        self.process = process
        self.link = EmulatorLink(process)

    def ask(self, command: bytes, answers: int, timeout_s: float = 20.0) -> tuple[int, ...]:
        self.link.write(command)
        data = read_bytes(self.link, 4 * answers, timeout_s)
        assert len(data) == 4 * answers, data
        return struct.unpack(f"<{answers}I", data)

    def start(self) -> tuple[ResetCause, int]:
        """Why the board last started and which start it was, from a board that may be starting."""
        for _ in range(ATTEMPTS):
            self.link.write(b"b")  # lost while the board starts
            data = read_bytes(self.link, 8, timeout_s=1.0)
            if len(data) == 8:
                cause, count = struct.unpack("<2I", data)
                return ResetCause(cause), count
        pytest.fail("the board does not start")


@pytest.fixture
def probe(probe_image: Image, start: Callable[[Image], EmulatorProcess]) -> Iterator[Probe]:
    probe = Probe(start(probe_image))
    yield probe
    probe.link.close()


def test_ticks_never_step_back_and_cost_the_same_each_time(probe: Probe) -> None:
    backward, largest, smallest = probe.ask(b"t", 3)
    assert backward == 0
    assert 0 < smallest <= largest < 60, "reading is not counted, but the call and the loop are"


def test_time_follows_instructions_and_sleep(probe: Probe) -> None:
    busy_ms, idle_ms = probe.ask(b"m", 2)
    assert busy_ms == pytest.approx(2 * 5_000_000 * INSTRUCTION_NS * 1e-6, rel=0.05)
    assert 95 <= idle_ms < 1000, "a hundred times a millisecond, more on a busy computer"


def test_nothing_is_lost_however_fast_the_host_sends(probe: Probe) -> None:
    data = random.Random(1).randbytes(60_000)
    expected = 0
    for byte in data:
        expected = (expected * 31 + byte) % WORD
    assert probe.ask(b"r" + data, 2) == (len(data), expected)


def test_stack_high_water_follows_the_stack(probe: Probe) -> None:
    before, after = probe.ask(b"s", 2)
    assert 0 < before < STACK_BYTES - FRAME_BYTES
    assert max(before, FRAME_BYTES) < after < STACK_BYTES


def test_power_on_starts_the_count_anew(probe: Probe) -> None:
    assert probe.start() == (ResetCause.POWER_ON, 1)
    with Control(probe.process) as control:
        control.command("pin")
        assert control.next_message() == {"event": "reset", "cause": "pin"}
        assert probe.start() == (ResetCause.PIN, 2)
        control.command("power")
        assert control.next_message() == {"event": "reset", "cause": "power"}
    assert probe.start() == (ResetCause.POWER_ON, 1)


def test_a_requested_restart_is_told_from_a_fault(probe: Probe) -> None:
    assert probe.start() == (ResetCause.POWER_ON, 1)
    probe.link.write(b"R")
    assert probe.start() == (ResetCause.SOFTWARE, 2)
    probe.link.write(b"F")
    assert probe.start() == (ResetCause.WATCHDOG, 3)
    probe.link.write(b"R")
    assert probe.start() == (ResetCause.SOFTWARE, 4)


def test_a_stack_overflow_restarts_the_board(probe: Probe) -> None:
    assert probe.start() == (ResetCause.POWER_ON, 1)
    probe.link.write(b"D")
    assert probe.start() == (ResetCause.WATCHDOG, 2)


@pytest.mark.slow
def test_the_watchdog_ends_a_hang(probe: Probe) -> None:
    assert probe.start() == (ResetCause.POWER_ON, 1)
    with Control(probe.process) as control:
        probe.link.write(b"H")
        assert control.next_message() == {"event": "reset", "cause": "watchdog"}
    assert probe.start() == (ResetCause.WATCHDOG, 2)
