"""UART0 of the emulated Pico keeps the part's timing and its FIFOs, in emulated time."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hil.emulators.process import EmulatorProcess
from host.links.emulator import EmulatorLink
from tests.hil.dialogue import ask, parse_numbers, read_bytes, read_numbers

LINE_BAUD = 921_600
BOARD_BAUD = 133e6 / (16 * (9 + 1 / 64))
FIFO_DEPTH = 32
OVERRUN_INTERRUPT = 1 << 10
OVERRUN_FLAG = 1 << 11
RX_INTERRUPT, RX_TIMEOUT_INTERRUPT = 1 << 4, 1 << 6
CLK_SYS_HZ = 133e6


@pytest.fixture
def link(
    start: Callable[..., EmulatorProcess], connect: Callable[[EmulatorProcess], EmulatorLink]
) -> EmulatorLink:
    return connect(start("probe"))


def test_bytes_come_at_ten_bits_each(link: EmulatorLink) -> None:
    link.write(b"e" + bytes(400))
    (elapsed_us,) = read_numbers(link, 1)
    assert elapsed_us == pytest.approx(399 * 10 / LINE_BAUD * 1e6, abs=3)


def test_bytes_leave_at_ten_bits_each(link: EmulatorLink) -> None:
    link.write(b"b")
    answer = read_bytes(link, 209)
    assert answer[:200] == b"x" * 200
    (elapsed_us,) = parse_numbers(answer[200:], 1)
    assert elapsed_us == pytest.approx(200 * 10 / BOARD_BAUD * 1e6, abs=3)


def test_what_finds_the_fifo_full_is_lost_and_flagged(link: EmulatorLink) -> None:
    link.write(b"o" + bytes(100))
    answer = read_bytes(link, 19)
    assert answer[18:] == b"!"
    raw_interrupts, received = parse_numbers(answer[:18], 2)
    assert raw_interrupts & OVERRUN_INTERRUPT
    assert received == FIFO_DEPTH
    link.write(b"z")
    assert read_numbers(link, 1) == [OVERRUN_FLAG]


def test_sending_without_looking_at_txff_loses_bytes(link: EmulatorLink) -> None:
    link.write(b"t")
    sent = read_bytes(link, 100, timeout_s=1.0)
    # The FIFO and the shift register hold 33; one more may leave while the loop runs.
    assert sent[: FIFO_DEPTH + 1] == bytes(range(FIFO_DEPTH + 1))
    assert FIFO_DEPTH + 1 <= len(sent) <= FIFO_DEPTH + 3


def test_interrupts_at_the_fifo_level_and_after_the_timeout(
    start: Callable[..., EmulatorProcess], connect: Callable[[EmulatorProcess], EmulatorLink]
) -> None:
    # Without wait states: the handler's first run would otherwise be later by its cache misses.
    link = connect(start("probe", flash_model="zero-wait"))
    link.write(b"i" + bytes(20))
    first, first_cvr, first_count, second, second_cvr, second_count = read_numbers(link, 6)
    assert first & RX_INTERRUPT
    assert first_count == 16
    assert second == RX_TIMEOUT_INTERRUPT
    assert second_count == 4
    # Four more characters, then 32 bit periods of the board's own rate.
    expected_s = 4 * 10 / LINE_BAUD + 32 / BOARD_BAUD
    assert (first_cvr - second_cvr) / CLK_SYS_HZ == pytest.approx(expected_s, abs=1e-6)


def test_a_masked_interrupt_ends_wfi_and_waits_for_primask(link: EmulatorLink) -> None:
    before, on_time, still, after = ask(link, b"w", 4)
    assert (before, on_time, still, after) == (0, 1, 0, 1)


def test_every_byte_comes_back(
    start: Callable[..., EmulatorProcess], connect: Callable[[EmulatorProcess], EmulatorLink]
) -> None:
    link = connect(start("echo"))
    sent = bytes(range(256)) * 16
    link.write(sent)
    assert read_bytes(link, len(sent)) == sent


def test_a_serial_port_has_one_user(
    start: Callable[..., EmulatorProcess], connect: Callable[[EmulatorProcess], EmulatorLink]
) -> None:
    board = start("echo")
    connect(board).write(b"x")
    second = connect(board)
    with pytest.raises(Exception, match="closed its UART"):
        second.read(5.0)
