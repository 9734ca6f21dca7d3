"""What the ATmega328P does not have or does not do ends the run, with the place and the reason."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from hil.emulators.atmega328p import Atmega328pEmulator
from hil.emulators.process import EmulatorProcess
from host.errors import LinkError
from host.links.emulator import EmulatorLink
from tests.hil.dialogue import Control, ask, read_bytes

APPLICATION_BYTES = 32_256


@pytest.mark.parametrize(
    ("command", "kind", "reason"),
    [
        (b"r", "unmapped", "read from 0x0900, beyond RAMEND"),
        (b"w", "unmapped", "write to 0x0900, beyond RAMEND"),
        (b"l", "unmapped", "lpm from 0x8000"),
        (b"j", "unmapped", "leaves the flash at 0x8000"),
        (b"u", "undefined", "0xffff is no instruction"),
        (b"x", "undefined", "0x9204 is no instruction"),
        (b"p", "undefined", "0x91ad is no instruction"),
        (b"s", "spm", "there is no boot loader"),
        (b"S", "spm", "SPMCSR"),
        (b"k", "break", "no debugger"),
        (b"d", "stack", "grows out of SRAM"),
        (b"q", "stack", "more is taken from the stack"),
        (b"i", "unmodelled", "write to I/O address 0x00f0"),
        (b"I", "unmodelled", "read from I/O address 0x00ff"),
        (b"a", "unmodelled", "ADCSRA 0x80"),
        (b"g", "unmodelled", "timer 1"),
        (b"G", "powered-down", "PRR"),
        (b"z", "unmodelled", "only idle mode"),
    ],
)
def test_an_offence_stops_the_board(
    command: bytes,
    kind: str,
    reason: str,
    start_uno: Callable[..., EmulatorProcess],
    connect: Callable[[EmulatorProcess], EmulatorLink],
) -> None:
    link = connect(board := start_uno("probe"))
    with Control(board) as control:
        link.write(b"!" + command)
        stopped = control.next_message()
    assert stopped["event"] == "stopped"
    assert stopped["kind"] == kind
    assert reason in stopped["reason"]
    with pytest.raises(LinkError, match="the emulated board stopped") as caught:
        read_bytes(link, 1)
    assert "exit code 70" in str(caught.value)
    assert re.search(r"stopped at pc 0x[0-9a-f]{4} \(sp 0x0[0-8][0-9a-f]{2}\)", str(caught.value))
    assert reason in str(caught.value)


def test_the_place_is_that_of_the_instruction(
    build_uno_image: Callable[..., Path], tmp_path: Path
) -> None:
    flash = bytearray(b"\x00\x00" * 8)  # NOP
    flash[6:8] = (0xFFFF).to_bytes(2, "little")
    image = tmp_path / "undefined.bin"
    image.write_bytes(flash)
    with pytest.raises(LinkError, match=r"stopped at pc 0x0006 \(sp 0x08ff\): 0xffff"):
        Atmega328pEmulator().start(firmware=image)


def test_the_board_names_its_emulator(
    start_uno: Callable[..., EmulatorProcess], connect: Callable[[EmulatorProcess], EmulatorLink]
) -> None:
    link = connect(start_uno("probe"))
    link.write(b"n")
    assert read_bytes(link, 28) == b"avr8js 0.21.1\n" * 2


def test_a_write_to_pin_toggles(
    start_uno: Callable[..., EmulatorProcess], connect: Callable[[EmulatorProcess], EmulatorLink]
) -> None:
    assert ask(connect(start_uno("probe")), b"g", 1) == [0xA5 ^ 0b01 ^ 0b10]


def test_timers_match_on_time(
    start_uno: Callable[..., EmulatorProcess], connect: Callable[[EmulatorProcess], EmulatorLink]
) -> None:
    (matches,) = ask(connect(start_uno("probe")), b"c", 1)
    assert matches == pytest.approx(256 * 1024 / 1000, abs=2)


def test_an_image_is_intel_hex_or_flat(
    build_uno_image: Callable[..., Path],
    connect: Callable[[EmulatorProcess], EmulatorLink],
    tmp_path: Path,
) -> None:
    records = build_uno_image("echo").read_text().split()
    flat = bytearray()
    for record in map(bytes.fromhex, (line[1:] for line in records)):
        if record[3] == 0:
            assert int.from_bytes(record[1:3], "big") == len(flat)
            flat += record[4:-1]
    image = tmp_path / "echo.bin"
    image.write_bytes(flat + b"\xff" * (APPLICATION_BYTES - len(flat)))
    board = Atmega328pEmulator().start(firmware=image)
    link = connect(board)
    link.write(b"flat")
    assert read_bytes(link, 4) == b"flat"


@pytest.mark.parametrize(
    ("contents", "reason"),
    [
        (bytes(APPLICATION_BYTES + 3), "3 too many"),
        (b":10FE0000" + b"00" * 16 + b"F2\n:00000001FF\n", "too many"),
        (b":0100000001FF\n:00000001FF\n", "line 1: wrong checksum"),
        (b":0100000001FE\n", "end-of-file record is missing"),
        (b":01000000\n", "line 1: not a record"),
    ],
)
def test_a_wrong_image_is_refused(contents: bytes, reason: str, tmp_path: Path) -> None:
    image = tmp_path / "image"
    image.write_bytes(contents)
    with pytest.raises(LinkError, match=reason):
        Atmega328pEmulator().start(firmware=image)
