"""The farm file: what is read, and where what is wrong stands."""

from __future__ import annotations

import os
import textwrap
import tty
from pathlib import Path
from types import SimpleNamespace

import pytest

from hil.farm.file import BoardKind, FarmBoard, load_farm
from hil.rack.finding import open_board
from host.errors import ConfigError, LinkError
from tests.support.make import ROOT


def write(folder: Path, text: str) -> Path:
    path = folder / "farm.yaml"
    path.write_text(textwrap.dedent(text).lstrip())
    return path


def test_the_example_is_right() -> None:
    farm = load_farm(ROOT / "hil" / "farm.yaml")
    assert [(board.id, board.kind) for board in farm.rack("bench").boards] == [
        ("emulated-pico", BoardKind.EMULATOR),
        ("desk", BoardKind.PROCESS),
    ]
    with pytest.raises(ConfigError, match=r"no rack 'lab' .*there: bench"):
        farm.rack("lab")


def test_every_kind(tmp_path: Path) -> None:
    farm = load_farm(
        write(
            tmp_path,
            """
            racks:
              - id: bench
                boards:
                  - {id: a, kind: serial, device: pico, identity: {usb_serial: E66}}
                  - {id: b, kind: serial, identity: {path: /dev/serial/by-id/x}}
                  - {id: c, kind: emulator, emulator: pico, flash_model: zero-wait}
                  - {id: d, kind: process}
              - id: lab
                boards:
                  - {id: a, kind: tcp, identity: {address: "10.0.0.7:4000"}}
            """,
        )
    )
    assert farm.rack("bench").boards == (
        FarmBoard(id="a", kind=BoardKind.SERIAL, device="pico", usb_serial="E66"),
        FarmBoard(id="b", kind=BoardKind.SERIAL, path="/dev/serial/by-id/x"),
        FarmBoard(id="c", kind=BoardKind.EMULATOR, emulator="pico", flash_model="zero-wait"),
        FarmBoard(id="d", kind=BoardKind.PROCESS),
    )
    assert farm.rack("lab").boards == (
        FarmBoard(id="a", kind=BoardKind.TCP, address="10.0.0.7:4000"),
    )


@pytest.mark.parametrize(
    ("boards", "line", "says"),
    [
        ("- {id: a, kind: serial}", 4, "'identity' is a required property"),
        ("- {id: a, kind: spi}", 4, r"kind: 'spi' is none"),
        ("- {id: A, kind: process}", 4, r"id: 'A': Part of an MQTT topic"),
        ("- {id: a, kind: process, colour: red}", 4, r"colour: unknown field \(known: id, kind"),
        ("- id: a\n  kind: process\n  emulator: pico", 6, "emulator: is not for a board of this"),
        ("- id: a\n  kind: emulator\n  emulator: z80", 6, "no emulator for 'z80'"),
        ("- id: a\n  kind: process\n  device: z80", 6, r"unknown board 'z80' \(known: "),
        ("- {id: a, kind: process}\n- {id: a, kind: process}", 5, "two boards 'a'"),
        ("- id: a\n  id: b\n  kind: process", 5, "'id' is there twice"),
        ("- {id: a, kind: tcp, identity: {address: here}}", 4, "'here': HOST:PORT"),
        ("- {id: a, kind: serial, identity: {address: 'h:1'}}", 4, "is not for a board of this"),
        ("- {id: a, kind: serial, identity: {path: x, usb_serial: y}}", 4, "identity: "),
        (
            "- {id: a, kind: serial, identity: {path: x}}\n"
            "- {id: b, kind: serial, identity: {path: x}}",
            5,
            "'x' is there twice",
        ),
        ("- {id: a, kind", 5, "expected"),
        ("[]", 3, "boards: "),
    ],
)
def test_what_is_wrong_says_where(tmp_path: Path, boards: str, line: int, says: str) -> None:
    indented = textwrap.indent(boards, " " * 6)
    path = tmp_path / "farm.yaml"
    path.write_text(f"racks:\n  - id: bench\n    boards:\n{indented}\n")
    with pytest.raises(ConfigError, match=rf"farm\.yaml:{line}:\d+: .*{says}"):
        load_farm(path)


def test_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.yaml: No such file"):
        load_farm(tmp_path / "nowhere.yaml")
    with pytest.raises(ConfigError, match=r"farm\.yaml:1:1: "):
        load_farm(write(tmp_path, ""))
    with pytest.raises(ConfigError, match=r"farm\.yaml:1:1: .*'racks' is a required"):
        load_farm(write(tmp_path, "{}"))


def test_a_board_is_found_by_its_serial_number_under_any_name() -> None:
    board = FarmBoard(id="a", kind=BoardKind.SERIAL, usb_serial="E66")
    ours, theirs = os.openpty()
    tty.setraw(theirs)

    def usb(device: str, serial_number: str) -> SimpleNamespace:
        return SimpleNamespace(
            device=device, description="", vid=0x2E8A, pid=0xA, serial_number=serial_number
        )

    ports = [usb("/dev/ttyACM0", "OTHER"), usb(os.ttyname(theirs), "E66")]
    link = open_board(board, lambda: ports)
    assert link.name == os.ttyname(theirs)
    link.close()
    with pytest.raises(LinkError, match="no USB device with serial number E66"):
        open_board(board, lambda: ports[:1])
    os.close(ours)
    os.close(theirs)
