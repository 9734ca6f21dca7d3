"""Every kind of reset leaves the cause, and the memory, that it leaves on the part."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hil.emulators.process import EmulatorProcess
from host.links.emulator import EmulatorLink
from tests.hil.dialogue import Control, ask, read_numbers

HAD_POR = 1 << 8
HAD_RUN = 1 << 16
REASON_TIMER, REASON_FORCE = 1, 2
SCRATCH = 0xCAFE0001


@pytest.fixture
def board(start: Callable[..., EmulatorProcess]) -> EmulatorProcess:
    return start("probe")


@pytest.fixture
def link(
    board: EmulatorProcess, connect: Callable[[EmulatorProcess], EmulatorLink]
) -> EmulatorLink:
    link = connect(board)
    # The image counts its boots in memory that start-up does not clear; asking counts as one.
    assert ask(link, b"?", 4)[1:] == [HAD_POR, 0, 0]
    return link


@pytest.mark.parametrize(
    ("command", "reason"), [(b"g", REASON_TIMER), (b"G", REASON_FORCE), (b"s", 0)]
)
def test_reset_from_inside(link: EmulatorLink, command: bytes, reason: int) -> None:
    (count, *_) = ask(link, b"?", 4)
    link.write(command)
    assert read_numbers(link, 4) == [count + 1, HAD_POR, reason, SCRATCH]


def test_pin_reset_keeps_memory(board: EmulatorProcess, link: EmulatorLink) -> None:
    (count, *_) = ask(link, b"?", 4)
    with Control(board) as control:
        control.command("pin")
        assert control.next_message() == {"event": "reset", "cause": "pin"}
    assert read_numbers(link, 4) == [count + 1, HAD_RUN, 0, 0]


def test_power_cycle_loses_memory(board: EmulatorProcess, link: EmulatorLink) -> None:
    with Control(board) as control:
        control.command("power")
        assert control.next_message() == {"event": "reset", "cause": "power"}
    assert read_numbers(link, 4) == [1, HAD_POR, 0, 0]
