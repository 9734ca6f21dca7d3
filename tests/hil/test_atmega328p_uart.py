"""USART0 of the emulated UNO keeps the part's timing and its buffers, in emulated time."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hil.emulators.process import EmulatorProcess
from host.links.emulator import EmulatorLink
from tests.hil.dialogue import ask, parse_numbers, read_bytes, read_numbers

CHARACTER_CYCLES = 10 * 16_000_000 // 500_000
STOPWATCH_CYCLES = 256
DATA_OVERRUN, FRAME_ERROR = 1 << 3, 1 << 4
RX_COMPLETE = 1 << 7


@pytest.fixture
def link(
    start_uno: Callable[..., EmulatorProcess], connect: Callable[[EmulatorProcess], EmulatorLink]
) -> EmulatorLink:
    return connect(start_uno("probe"))


def test_bytes_come_at_ten_bits_each(link: EmulatorLink) -> None:
    link.write(b"e" + bytes(400))
    (elapsed,) = read_numbers(link, 1)
    assert elapsed == pytest.approx(399 * CHARACTER_CYCLES / STOPWATCH_CYCLES, abs=1)


def test_bytes_leave_at_ten_bits_each(link: EmulatorLink) -> None:
    link.write(b"b")
    answer = read_bytes(link, 409)
    assert answer[:400] == b"x" * 400
    (elapsed,) = parse_numbers(answer[400:], 1)
    assert elapsed == pytest.approx(400 * CHARACTER_CYCLES / STOPWATCH_CYCLES, abs=1)


def test_the_third_waits_in_the_shift_register(link: EmulatorLink) -> None:
    # Sections 20.7.3 and 20.7.4: two are buffered, a third is only lost to a further start bit.
    answers = ask(link, b"o\x01\x02\x03", 3)
    assert [answer & 0xFF for answer in answers] == [1, 2, 3]
    assert all(answer >> 8 & RX_COMPLETE for answer in answers)
    assert not any(answer >> 8 & DATA_OVERRUN for answer in answers)


def test_what_finds_no_room_is_lost_and_flagged(link: EmulatorLink) -> None:
    answers = ask(link, b"o" + bytes(range(1, 11)), 3)
    assert [answer & 0xFF for answer in answers] == [1, 2, 10]
    # DOR0: lost between the character read before and this one.
    assert [bool(answer >> 8 & DATA_OVERRUN) for answer in answers] == [False, False, True]


def test_sending_without_looking_at_udre_loses_bytes(link: EmulatorLink) -> None:
    link.write(b"t")
    assert read_bytes(link, 20, timeout_s=0.5) == bytes([0, 1])  # on the wire, and in UDR0


def test_a_character_at_another_rate_is_a_framing_error(link: EmulatorLink) -> None:
    link.write(b"fU")
    (status,) = read_numbers(link, 1)
    assert status & FRAME_ERROR
    assert len(ask(link, b"g", 1)) == 1


def test_every_byte_comes_back(
    start_uno: Callable[..., EmulatorProcess], connect: Callable[[EmulatorProcess], EmulatorLink]
) -> None:
    link = connect(start_uno("echo"))
    sent = bytes(range(256)) * 8
    link.write(sent)
    assert read_bytes(link, len(sent)) == sent
