"""The port on the emulated part, measured from inside by port_probe.c."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hil.emulators.process import EmulatorProcess
from host.links.emulator import EmulatorLink
from protocol.messages import ResetCause
from tests.firmware.uno.images import Image, built, make_image
from tests.hil.dialogue import Control, read_bytes
from tests.support.make import BUILD_DIR

CLOCK_HZ = 16_000_000
WRAP_CYCLES = 1 << 16
STACK_BYTES = 224
FRAME_BYTES = 60
ATTEMPTS = 20


class Probe:
    """One board running port_probe.c."""

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
            self.link.write(b"b")  # lost while the board's USART is not set up
            data = read_bytes(self.link, 8, timeout_s=1.0)
            if len(data) == 8:
                cause, count = struct.unpack("<2I", data)
                return ResetCause(cause), count
        pytest.fail("the board does not start")


@pytest.fixture
def probe(port_probe: Image, start: Callable[[Path], EmulatorProcess]) -> Iterator[Probe]:
    probe = Probe(start(port_probe.bin))
    yield probe
    probe.link.close()


def test_ticks_never_step_back_and_cost_little(probe: Probe) -> None:
    backward, largest, smallest, wraps = probe.ask(b"t", 4)
    assert backward == 0
    assert wraps >= 2, "the reads did not cross wraps of the timer"
    assert smallest <= 120
    assert largest < 400, "a wrap's interrupt at most"


def test_ticks_are_right_while_a_wrap_is_pending(probe: Probe) -> None:
    backward, largest, wraps = probe.ask(b"m", 3)
    assert backward == 0
    assert largest < 400
    assert wraps == 1


def test_ticks_are_cycles(probe: Probe) -> None:
    full, empty = probe.ask(b"l", 2)
    # _delay_loop_2: SBIW and BRNE, four cycles a turn, three the last; LDI twice before.
    assert full - empty == 4 * 10_000 - 1 + 2


def test_milliseconds_are_those_of_16_mhz(probe: Probe) -> None:
    (ticks,) = probe.ask(b"c", 1)
    assert ticks == pytest.approx(CLOCK_HZ / 2, abs=2 * WRAP_CYCLES)


def test_idle_lasts_until_the_timer_wraps_or_there_is_work(probe: Probe) -> None:
    probe.link.write(b"i")
    (ten_idles,) = probe.answers(1)
    probe.link.write(b"x")
    (with_a_byte_waiting,) = probe.answers(1)
    # The transmitter's last byte is no work: the answer before it left long ago.
    assert ten_idles == pytest.approx(10 * WRAP_CYCLES, rel=0.11)
    assert with_a_byte_waiting < 200


def test_nothing_is_lost_at_the_full_line_rate(probe: Probe) -> None:
    """The emulated line delivers back to back, whatever this host is busy with."""
    data = random.Random(1).randbytes(10_000)
    expected = 0
    for byte in data:
        expected = (expected * 31 + byte) & 0xFFFFFFFF
    probe.link.write(b"r" + data)
    assert probe.answers(2) == (len(data), expected)


def test_stack_high_water_follows_the_stack(probe: Probe) -> None:
    before, after = probe.ask(b"s", 2)
    assert 0 < before < STACK_BYTES - FRAME_BYTES
    assert FRAME_BYTES < after < STACK_BYTES


@pytest.mark.parametrize("pin", [8, 13])
def test_a_pin_is_high_during_the_timed_region(
    pin: int, start: Callable[[Path], EmulatorProcess]
) -> None:
    main = Path(__file__).parent / "port_probe.c"
    image = built(BUILD_DIR / f"uno-port-probe-pin-{pin}", f"MAIN={main}", f"TIMED_PIN={pin}")
    probe = Probe(start(image.bin))
    before, within, after, outputs = probe.ask(b"p", 4)
    probe.link.close()
    bit = 1 << (pin - 8)  # pins 8 to 13 are port B
    assert [before & bit, within & bit, after & bit] == [0, bit, 0]
    assert outputs == bit


def test_a_pin_of_another_port_is_refused(tmp_path: Path) -> None:
    result = make_image(tmp_path, "TIMED_PIN=7")
    assert result.returncode != 0
    assert "TIMED_PIN is none of the pins 8 to 13" in result.stderr


def test_power_on_starts_the_count_anew(probe: Probe) -> None:
    assert probe.start() == (ResetCause.POWER_ON, 1)
    with Control(probe.process) as control:
        control.command("pin")
        assert probe.start() == (ResetCause.PIN, 2)
        control.command("power")
    assert probe.start() == (ResetCause.POWER_ON, 1)


@pytest.mark.slow
def test_a_requested_restart_is_told_from_a_hang(probe: Probe) -> None:
    assert probe.start() == (ResetCause.POWER_ON, 1)
    probe.link.write(b"R")
    assert probe.start() == (ResetCause.SOFTWARE, 2)
    probe.link.write(b"H")
    with Control(probe.process) as control:
        assert control.next_message()["cause"] == "watchdog"
    assert probe.start() == (ResetCause.WATCHDOG, 3)
    probe.link.write(b"R")
    assert probe.start() == (ResetCause.SOFTWARE, 4)
