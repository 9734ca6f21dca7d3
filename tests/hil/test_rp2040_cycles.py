"""What instructions and flash accesses cost, measured by firmware with SysTick.

Instruction costs are those of the Cortex-M0+ technical reference manual (table 3-1, with the fast
multiplier). Flash costs follow from the second stage's SSI settings: 8 address and mode nibbles,
4 wait clocks and two clocks a byte, each BAUDR cycles of clk_sys.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hil.emulators.process import EmulatorProcess
from host.links.emulator import EmulatorLink
from tests.hil.dialogue import ask

SEQUENCES = {
    "nop": 16 * 1,
    "muls": 16 * 1,
    "ldr": 16 * 2,
    "ldrsb": 1 + 16 * 2,
    "str": 16 * 2,
    "ldm of 4, and mov": 16 * (1 + 1 + 4),
    "branch taken": 16 * 2,
    "branch not taken": 1 + 16 * 1,
    "push of 1": 16 * (1 + 1),
    "push of 1 and lr": 16 * (1 + 2),
    "push of 8": 4 * (1 + 8),
    "bl and bx": 16 * (3 + 2),
    "bl, push of 2, pop of 1 and pc": 16 * (3 + 3 + (3 + 2)),
    "dmb": 16 * 3,
}


def line_cycles(data_bytes: int, baudr: int) -> int:
    """clk_sys cycles of one EBh transfer in continuous read mode."""
    return (8 + 4 + 2 * data_bytes) * baudr


@pytest.mark.parametrize("flash_model", ["xip", "zero-wait"])
def test_instructions_in_ram_cost_what_the_manual_says(
    flash_model: str,
    start: Callable[..., EmulatorProcess],
    connect: Callable[[EmulatorProcess], EmulatorLink],
) -> None:
    empty, *measured = ask(connect(start("probe", flash_model=flash_model)), b"c", 15)
    costs = {name: cycles - empty for name, cycles in zip(SEQUENCES, measured, strict=True)}
    assert costs == SEQUENCES


@pytest.mark.parametrize("baudr", [2, 4])
def test_flash_reads_cost_what_the_cache_and_the_ssi_say(
    baudr: int,
    start: Callable[..., EmulatorProcess],
    connect: Callable[[EmulatorProcess], EmulatorLink],
) -> None:
    loop, *measured = ask(connect(start("probe", f"BAUDR={baudr}")), b"h", 9)
    line, word = line_cycles(8, baudr), line_cycles(4, baudr)
    overhead = loop - 64 * 6  # the last branch is not taken, and reading the counter
    cold, warm, half, pair, pair_warm, three, thrash, uncached = measured
    assert cold - loop == 32 * line
    assert warm - loop == 0
    assert half - loop == 32 * line
    assert pair == 2 * 6 + overhead + line
    assert pair_warm == 2 * 6 + overhead
    assert three == 3 * 6 + overhead + line
    assert thrash == 3 * 6 + overhead + 3 * line
    assert uncached - loop == 64 * word


def test_zero_wait_flash_costs_nothing(
    start: Callable[..., EmulatorProcess], connect: Callable[[EmulatorProcess], EmulatorLink]
) -> None:
    loop, cold, warm, *_ = ask(connect(start("probe", flash_model="zero-wait")), b"h", 9)
    assert cold == warm == loop


def test_weights_read_once_cost_seven_cycles_a_byte() -> None:
    assert line_cycles(8, 2) / 8 == 7
