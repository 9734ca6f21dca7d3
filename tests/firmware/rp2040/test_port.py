"""The port on the emulated part, measured from inside by probe.c."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from hil.emulators.process import EmulatorProcess
from tests.firmware.rp2040.images import PORT, built
from tests.firmware.shared.images import assert_not_made
from tests.firmware.shared.probe import (
    Probe,
    assert_nothing_is_lost,
    assert_power_on_starts_the_count_anew,
    assert_requested_restarts_are_told_from,
    assert_the_watchdog_ends_a_hang,
    stack_high_water,
)
from tests.support.make import BUILD_DIR

CLOCK_HZ = 133_000_000
SYSTICK_PERIOD = 1 << 24
INTERVAL_S = 0.5
STACK_BYTES = 1536
FRAME_BYTES = 700
OUT_TO_PAD, ENABLED_TO_PAD = 1 << 9, 1 << 13  # RP2040 data sheet, section 2.19.6.1
UNEXPECTED_INTERRUPT = b"F"


def test_ticks_never_step_back_and_cost_little(probe: Probe) -> None:
    backward, largest, smallest, last = probe.ask(b"t", 4)
    assert backward == 0
    assert last // SYSTICK_PERIOD >= 1, "the reads did not cross a wrap of SysTick"
    assert smallest <= 80
    assert largest < 1000, "a wrap's interrupt and some misses of the XIP cache, at most"


def test_ticks_are_right_while_a_wrap_is_pending(probe: Probe) -> None:
    backward, largest, wraps = probe.ask(b"w", 3)
    assert backward == 0
    assert largest < SYSTICK_PERIOD // 2
    assert wraps == 1


def test_ticks_are_cycles_of_133_mhz(probe: Probe) -> None:
    (ticks,) = probe.ask(b"c", 1)
    assert ticks == pytest.approx(INTERVAL_S * CLOCK_HZ, rel=6e-5)


def test_idle_lasts_a_millisecond_or_until_there_is_work(probe: Probe) -> None:
    (ten_idles,) = probe.ask(b"i", 1)
    (with_a_byte_waiting,) = probe.ask(b"jx", 1)
    assert ten_idles == pytest.approx(10e-3 * CLOCK_HZ, rel=0.05)
    assert with_a_byte_waiting < 1000


def test_nothing_is_lost_at_the_full_line_rate(probe: Probe) -> None:
    """The emulated line delivers back to back, whatever this host is busy with."""
    assert_nothing_is_lost(probe, 60_000)


def test_stack_high_water_follows_the_stack(probe: Probe) -> None:
    before, after = stack_high_water(probe, STACK_BYTES, FRAME_BYTES)
    assert before + FRAME_BYTES - 100 < after


@pytest.mark.parametrize("pin", [2, 15])
def test_a_pin_is_high_during_the_timed_region(
    pin: int, start: Callable[..., EmulatorProcess]
) -> None:
    main = Path(__file__).parent / "probe.c"
    image = built(BUILD_DIR / f"pico-probe-pin-{pin}", f"MAIN={main}", f"TIMED_PIN={pin}")
    with Probe(start(image)) as probe:
        states = probe.ask(b"p", 3)
    assert [bool(state & OUT_TO_PAD) for state in states] == [False, True, False]
    assert all(state & ENABLED_TO_PAD for state in states)


def test_a_pin_that_the_board_needs_is_refused(tmp_path: Path) -> None:
    assert_not_made(PORT, tmp_path, "TIMED_PIN is no free pin of a Pico", "TIMED_PIN=0")


def test_power_on_starts_the_count_anew(probe: Probe) -> None:
    assert_power_on_starts_the_count_anew(probe)


def test_a_requested_restart_is_told_from_a_fault(probe: Probe) -> None:
    assert_requested_restarts_are_told_from(probe, UNEXPECTED_INTERRUPT)


@pytest.mark.slow
def test_the_watchdog_ends_a_hang(probe: Probe) -> None:
    assert_the_watchdog_ends_a_hang(probe)
