"""The port on both machines, measured from inside by probe.c."""

from __future__ import annotations

import random
import struct

from tests.firmware.shared.probe import (
    Probe,
    assert_nothing_is_lost,
    assert_power_on_starts_the_count_anew,
    assert_requested_restarts_are_told_from,
    assert_time_follows_instructions_and_sleep,
    stack_high_water,
)

INSTRUCTION_NS = 8
STACK_BYTES = 4096
FRAME_BYTES = 1500
WORD = 1 << 32
UNDEFINED_INSTRUCTION = b"F"


def test_ticks_never_step_back_and_cost_little(probe: Probe) -> None:
    backward, largest, smallest, _ = probe.ask(b"t", 4)
    assert backward == 0
    assert 0 < smallest <= largest < 60


def test_ticks_are_instructions(probe: Probe) -> None:
    assert probe.ask(b"n", 1) == (2 * 1000,)


def test_time_follows_instructions_and_sleep(probe: Probe) -> None:
    assert_time_follows_instructions_and_sleep(probe, INSTRUCTION_NS)


def test_nothing_is_lost_however_fast_the_host_sends(probe: Probe) -> None:
    assert_nothing_is_lost(probe, 60_000)


def test_stack_high_water_follows_the_stack(probe: Probe) -> None:
    stack_high_water(probe, STACK_BYTES, FRAME_BYTES)


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
    assert_power_on_starts_the_count_anew(probe)


def test_a_requested_restart_is_told_from_a_fault(probe: Probe) -> None:
    assert_requested_restarts_are_told_from(probe, UNDEFINED_INSTRUCTION)
