"""The port on both machines, measured from inside by probe.c."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable, Iterator

import pytest

from hil.emulators.process import EmulatorProcess
from host.links.emulator import EmulatorLink
from protocol.messages import ResetCause
from tests.firmware.esp32.qemu.machines import Image
from tests.hil.dialogue import Control, read_bytes

INSTRUCTION_NS = 8
STACK_BYTES = 4096
FRAME_BYTES = 1500
ATTEMPTS = 30
QUIET_S = 0.2
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
            self.link.write(b"b")  # may be lost while the board starts
            data = read_bytes(self.link, 8, timeout_s=1.0)
            if len(data) == 8:
                while self.link.read(QUIET_S):  # answers to further ones that were not
                    pass
                cause, count = struct.unpack("<2I", data)
                return ResetCause(cause), count
        pytest.fail("the board does not start")


@pytest.fixture
def probe(probe_image: Image, start: Callable[[Image], EmulatorProcess]) -> Iterator[Probe]:
    probe = Probe(start(probe_image))
    assert probe.start() == (ResetCause.POWER_ON, 1)
    yield probe
    probe.link.close()


def test_ticks_never_step_back_and_cost_little(probe: Probe) -> None:
    backward, largest, smallest = probe.ask(b"t", 3)
    assert backward == 0
    assert 0 < smallest <= largest < 60


def test_ticks_are_instructions(probe: Probe) -> None:
    assert probe.ask(b"n", 1) == (2 * 1000,)


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


def _signed(value: int, bits: int = 32) -> int:
    return value - (1 << bits) if value >> (bits - 1) else value


def test_what_the_core_cannot_do_its_library_does_right(probe: Probe) -> None:
    """Division on the LX106, whose compiler leaves it to us; Python's integers are the oracle."""
    draw = random.Random(2)
    edges = [1, 2, 3, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF]
    pairs = [(a, b) for a in (0, *edges) for b in edges]
    pairs += [(draw.getrandbits(32), draw.getrandbits(draw.randint(1, 32)) | 1) for _ in range(60)]
    for a, b in pairs:
        if (a, b) == (0x80000000, 0xFFFFFFFF):
            continue  # the quotient has no int32
        x, y = _signed(a), _signed(b)
        truncated = abs(x) // abs(y) * (-1 if (x < 0) != (y < 0) else 1)
        product = a * b
        wide = (((b << 32) | a) * ((a << 32) | b)) % (1 << 64)
        expected = (a // b, a % b, truncated % WORD, product % WORD, product >> 32)
        expected += (wide % WORD, wide >> 32)
        assert probe.ask(b"a" + struct.pack("<2I", a, b), 7) == expected, (a, b)


def test_power_on_starts_the_count_anew(probe: Probe) -> None:
    with Control(probe.process) as control:
        control.command("pin")
        assert control.next_message() == {"event": "reset", "cause": "pin"}
        assert probe.start() == (ResetCause.PIN, 2)
        control.command("power")
        assert control.next_message() == {"event": "reset", "cause": "power"}
    assert probe.start() == (ResetCause.POWER_ON, 1)


def test_a_requested_restart_is_told_from_a_fault(probe: Probe) -> None:
    probe.link.write(b"R")
    assert probe.start() == (ResetCause.SOFTWARE, 2)
    probe.link.write(b"F")
    assert probe.start() == (ResetCause.WATCHDOG, 3)
    probe.link.write(b"R")
    assert probe.start() == (ResetCause.SOFTWARE, 4)
