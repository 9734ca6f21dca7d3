"""The port on the emulated machine, measured from inside by probe.c."""

from __future__ import annotations

import pytest

from protocol.messages import ResetCause
from tests.firmware.shared.probe import (
    Probe,
    assert_nothing_is_lost,
    assert_power_on_starts_the_count_anew,
    assert_requested_restarts_are_told_from,
    assert_the_watchdog_ends_a_hang,
    assert_time_follows_instructions_and_sleep,
    stack_high_water,
)

INSTRUCTION_NS = 8
STACK_BYTES = 4096
FRAME_BYTES = 1500
UNDEFINED_INSTRUCTION = b"F"


def test_ticks_never_step_back_and_cost_the_same_each_time(probe: Probe) -> None:
    backward, largest, smallest, _ = probe.ask(b"t", 4)
    assert backward == 0
    assert 0 < smallest <= largest < 60, "reading is not counted, but the call and the loop are"


def test_time_follows_instructions_and_sleep(probe: Probe) -> None:
    assert_time_follows_instructions_and_sleep(probe, INSTRUCTION_NS)


def test_nothing_is_lost_however_fast_the_host_sends(probe: Probe) -> None:
    assert_nothing_is_lost(probe, 60_000)


def test_stack_high_water_follows_the_stack(probe: Probe) -> None:
    stack_high_water(probe, STACK_BYTES, FRAME_BYTES)


def test_power_on_starts_the_count_anew(probe: Probe) -> None:
    assert_power_on_starts_the_count_anew(probe)


def test_a_requested_restart_is_told_from_a_fault(probe: Probe) -> None:
    assert_requested_restarts_are_told_from(probe, UNDEFINED_INSTRUCTION)


def test_a_stack_overflow_restarts_the_board(probe: Probe) -> None:
    probe.link.write(b"D")
    assert probe.start() == (ResetCause.WATCHDOG, 2)


@pytest.mark.slow
def test_the_watchdog_ends_a_hang(probe: Probe) -> None:
    assert_the_watchdog_ends_a_hang(probe)
