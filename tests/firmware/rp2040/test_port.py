"""The port on the emulated part, measured from inside by probe.c."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hil.emulators.process import EmulatorProcess
from host.links.emulator import EmulatorLink
from protocol.messages import ResetCause
from tests.firmware.rp2040.conftest import Image, built, make_image
from tests.hil.dialogue import Control, read_bytes
from tests.support.make import BUILD_DIR

CLOCK_HZ = 133_000_000
SYSTICK_PERIOD = 1 << 24
INTERVAL_S = 0.3
STACK_BYTES = 1536
FRAME_BYTES = 700
ATTEMPTS = 10
OUT_TO_PAD, ENABLED_TO_PAD = 1 << 9, 1 << 13  # RP2040 data sheet, section 2.19.6.1


class Probe:
    """One board running probe.c."""

    def __init__(self, process: EmulatorProcess) -> None:
        self.process = process
        self.link = EmulatorLink(process)

    def ask(self, command: bytes, answers: int, timeout_s: float = 20.0) -> tuple[int, ...]:
        self.link.write(command)
        return self.answers(answers, timeout_s)

    def answers(self, count: int, timeout_s: float = 20.0) -> tuple[int, ...]:
        data = read_bytes(self.link, 4 * count, timeout_s)
        assert len(data) == 4 * count, data
        return struct.unpack(f"<{count}I", data)

    def start(self) -> tuple[ResetCause, int]:
        """Why the board last started and which start it was, from a board that may be starting."""
        for _ in range(ATTEMPTS):
            self.link.write(b"b")  # lost while the board's UART is not set up
            data = read_bytes(self.link, 8, timeout_s=1.0)
            if len(data) == 8:
                cause, count = struct.unpack("<2I", data)
                return ResetCause(cause), count
        pytest.fail("the board does not start")


@pytest.fixture
def probe(probe_image: Image, start: Callable[..., EmulatorProcess]) -> Iterator[Probe]:
    probe = Probe(start(probe_image))
    yield probe
    probe.link.close()


def test_ticks_never_step_back_and_cost_little(probe: Probe) -> None:
    backward, largest, smallest, wraps = probe.ask(b"t", 4)
    assert backward == 0
    assert wraps >= 1, "the reads did not cross a wrap of SysTick"
    assert smallest <= 80
    assert largest < 1000, "a wrap's interrupt and some misses of the XIP cache, at most"


def test_ticks_are_right_while_a_wrap_is_pending(probe: Probe) -> None:
    backward, largest, wraps = probe.ask(b"m", 3)
    assert backward == 0
    assert largest < SYSTICK_PERIOD // 2
    assert wraps == 1


def test_ticks_are_cycles_of_133_mhz(probe: Probe) -> None:
    (ticks,) = probe.ask(b"c", 1)
    assert ticks == pytest.approx(INTERVAL_S * CLOCK_HZ, rel=1e-4)


def test_idle_lasts_a_millisecond_or_until_there_is_work(probe: Probe) -> None:
    probe.link.write(b"i")
    ten_idles, _ = probe.answers(2)
    probe.link.write(b"x")
    (with_a_byte_waiting,) = probe.answers(1)
    assert ten_idles == pytest.approx(10e-3 * CLOCK_HZ, rel=0.05)
    assert with_a_byte_waiting < 1000


def test_nothing_is_lost_at_the_full_line_rate(probe: Probe) -> None:
    """The emulated line delivers back to back, whatever this host is busy with."""
    data = random.Random(1).randbytes(60_000)
    expected = 0
    for byte in data:
        expected = (expected * 31 + byte) & 0xFFFFFFFF
    probe.link.write(b"r" + data)
    assert probe.answers(2) == (len(data), expected)


def test_stack_high_water_follows_the_stack(probe: Probe) -> None:
    before, after = probe.ask(b"s", 2)
    assert 0 < before < STACK_BYTES - FRAME_BYTES
    assert before + FRAME_BYTES - 100 < after < STACK_BYTES


@pytest.mark.parametrize("pin", [2, 15])
def test_a_pin_is_high_during_the_timed_region(
    pin: int, start: Callable[..., EmulatorProcess]
) -> None:
    main = Path(__file__).parent / "probe.c"
    image = built(BUILD_DIR / f"pico-probe-pin-{pin}", f"MAIN={main}", f"TIMED_PIN={pin}")
    probe = Probe(start(image))
    states = probe.ask(b"p", 3)
    probe.link.close()
    assert [bool(state & OUT_TO_PAD) for state in states] == [False, True, False]
    assert all(state & ENABLED_TO_PAD for state in states)


def test_a_pin_that_the_board_needs_is_refused(tmp_path: Path) -> None:
    result = make_image(tmp_path, "TIMED_PIN=0")
    assert result.returncode != 0
    assert "TIMED_PIN is no free pin of a Pico" in result.stderr


def test_power_on_starts_the_count_anew(probe: Probe) -> None:
    assert probe.start() == (ResetCause.POWER_ON, 1)
    with Control(probe.process) as control:
        control.command("pin")
        assert probe.start() == (ResetCause.PIN, 2)
        control.command("power")
    assert probe.start() == (ResetCause.POWER_ON, 1)


def test_a_requested_restart_is_told_from_a_fault(probe: Probe) -> None:
    probe.link.write(b"R")
    assert probe.start() == (ResetCause.SOFTWARE, 2)
    probe.link.write(b"F")
    assert probe.start() == (ResetCause.WATCHDOG, 3)
    probe.link.write(b"R")
    assert probe.start() == (ResetCause.SOFTWARE, 4)


@pytest.mark.slow
def test_the_watchdog_ends_a_hang(probe: Probe) -> None:
    probe.link.write(b"H")
    with Control(probe.process) as control:
        assert control.next_message() == {"event": "reset", "cause": "watchdog"}
    assert probe.start() == (ResetCause.WATCHDOG, 2)
