"""Resets of the emulated UNO: the whole chip, told apart in MCUSR, and what of it survives."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hil.emulators.process import EmulatorProcess
from host.links.emulator import EmulatorLink
from tests.hil.dialogue import Control, read_bytes, read_numbers

PORF, EXTRF, WDRF = 1 << 0, 1 << 1, 1 << 3
MARKER = 0x00C0FFEE


@pytest.fixture
def board(start_uno: Callable[..., EmulatorProcess]) -> EmulatorProcess:
    return start_uno("reset")


@pytest.fixture
def link(
    board: EmulatorProcess, connect: Callable[[EmulatorProcess], EmulatorLink]
) -> EmulatorLink:
    return connect(board)


def powered_up(board: EmulatorProcess, link: EmulatorLink) -> Control:
    """The control port, after the report of a first start that was surely seen."""
    control = Control(board)
    control.command("power")
    assert control.next_message() == {"event": "reset", "cause": "power"}
    read_numbers(link, 3)
    return control


def test_power_on_loses_everything(board: EmulatorProcess, link: EmulatorLink) -> None:
    with powered_up(board, link) as control:
        control.command("power")
        flags, marker, left_over = read_numbers(link, 3)
    assert flags == PORF
    assert marker != MARKER
    assert left_over == 0


def test_the_pin_keeps_sram(board: EmulatorProcess, link: EmulatorLink) -> None:
    with powered_up(board, link) as control:
        control.command("pin")
        assert control.next_message() == {"event": "reset", "cause": "pin"}
        assert read_numbers(link, 3) == [EXTRF, MARKER, 0]


@pytest.mark.parametrize("command", [b"w", b"x"], ids=["hang", "stopped without the sequence"])
def test_the_watchdog_resets_the_whole_chip(
    command: bytes, board: EmulatorProcess, link: EmulatorLink
) -> None:
    with powered_up(board, link) as control:
        link.write(command)
        assert control.next_message() == {"event": "reset", "cause": "watchdog"}
        assert read_numbers(link, 3) == [WDRF, MARKER, 0]


def test_a_watchdog_that_is_fed_does_nothing(board: EmulatorProcess, link: EmulatorLink) -> None:
    with powered_up(board, link):
        link.write(b"f")
        assert read_bytes(link, 1) == b"f"


def test_the_watchdog_runs_on_after_its_reset(
    start_uno: Callable[..., EmulatorProcess], connect: Callable[[EmulatorProcess], EmulatorLink]
) -> None:
    # Section 11.9.1: WDRF overrides WDE; firmware that does not clear it is reset every 16 ms.
    board = start_uno("reset", "KEEP_WATCHDOG")
    link = connect(board)
    with powered_up(board, link) as control:
        link.write(b"w")
        for _ in range(3):
            assert control.next_message() == {"event": "reset", "cause": "watchdog"}
            assert read_numbers(link, 3) == [PORF | WDRF, MARKER, 0]


def test_the_watchdog_interrupts_on_time(board: EmulatorProcess, link: EmulatorLink) -> None:
    with powered_up(board, link):
        link.write(b"i")
        (elapsed_ms,) = read_numbers(link, 1)
    assert elapsed_ms == pytest.approx(1024, abs=2)  # table 11-2: 131,072 cycles of 128 kHz
