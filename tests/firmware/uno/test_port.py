"""The port on the emulated part, measured from inside by probe.c."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from hil.emulators.process import EmulatorProcess
from tests.firmware.shared.images import assert_not_made
from tests.firmware.shared.probe import (
    Probe,
    assert_nothing_is_lost,
    assert_power_on_starts_the_count_anew,
    assert_requested_restarts_are_told_from,
    stack_high_water,
)
from tests.firmware.uno.images import PORT, STACK_BYTES, built
from tests.support.make import BUILD_DIR

CLOCK_HZ = 16_000_000
WRAP_CYCLES = 1 << 16
FRAME_BYTES = 60
HANG = b"H"


def test_ticks_never_step_back_and_cost_little(probe: Probe) -> None:
    backward, largest, smallest, last = probe.ask(b"t", 4)
    assert backward == 0
    assert last // WRAP_CYCLES >= 2, "the reads did not cross wraps of the timer"
    assert smallest <= 120
    assert largest < 400, "a wrap's interrupt at most"


def test_ticks_are_right_while_a_wrap_is_pending(probe: Probe) -> None:
    backward, largest, wraps = probe.ask(b"w", 3)
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
    (ten_idles,) = probe.ask(b"i", 1)
    (with_a_byte_waiting,) = probe.ask(b"jx", 1)
    assert ten_idles == pytest.approx(10 * WRAP_CYCLES, rel=0.11)
    assert with_a_byte_waiting < 200


def test_nothing_is_lost_at_the_full_line_rate(probe: Probe) -> None:
    """The emulated line delivers back to back, whatever this host is busy with."""
    assert_nothing_is_lost(probe, 10_000)


def test_stack_high_water_follows_the_stack(probe: Probe) -> None:
    stack_high_water(probe, STACK_BYTES, FRAME_BYTES)


@pytest.mark.parametrize("pin", [8, 13])
def test_a_pin_is_high_during_the_timed_region(
    pin: int, start: Callable[..., EmulatorProcess]
) -> None:
    main = Path(__file__).parent / "probe.c"
    image = built(BUILD_DIR / f"uno-port-probe-pin-{pin}", f"MAIN={main}", f"TIMED_PIN={pin}")
    with Probe(start(image)) as probe:
        states = probe.ask(b"p", 3)
    bit = 1 << (pin - 8)  # pins 8 to 13 are port B
    assert [state & bit for state in states] == [0, bit, 0]
    assert [state >> 8 for state in states] == [bit] * 3, "outputs"


def test_a_pin_of_another_port_is_refused(tmp_path: Path) -> None:
    complaint = "TIMED_PIN is none of the pins 8 to 13"
    assert_not_made(PORT, tmp_path, complaint, "TIMED_PIN=7")


def test_power_on_starts_the_count_anew(probe: Probe) -> None:
    assert_power_on_starts_the_count_anew(probe)


@pytest.mark.slow
def test_a_requested_restart_is_told_from_a_hang(probe: Probe) -> None:
    assert_requested_restarts_are_told_from(probe, HANG)
