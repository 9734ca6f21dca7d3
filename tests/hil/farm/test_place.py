"""Where a board of the farm file is: by what it is known, under whatever name."""

from __future__ import annotations

import os
import tty

import pytest

from hil.farm.file import BoardKind, FarmBoard
from hil.farm.place import Placement, placed
from hil.rack.finding import open_board
from host.errors import LinkError
from tests.support.usb import usb


def test_a_board_is_found_by_its_serial_number_under_any_name() -> None:
    board = FarmBoard(id="a", kind=BoardKind.SERIAL, usb_serial="E66")
    ours, theirs = os.openpty()
    tty.setraw(theirs)

    ports = [usb("/dev/ttyACM0", "OTHER"), usb(os.ttyname(theirs), "E66")]
    link = open_board(board, lambda: ports)
    assert link.name == os.ttyname(theirs)
    link.close()
    with pytest.raises(LinkError, match="no USB device with serial number E66"):
        open_board(board, lambda: ports[:1])
    os.close(ours)
    os.close(theirs)


@pytest.mark.parametrize(
    ("board", "place"),
    [
        (
            FarmBoard(id="a", kind=BoardKind.EMULATOR, emulator="pico", flash_model="zero-wait"),
            Placement("pico", None, "zero-wait"),
        ),
        (FarmBoard(id="a", kind=BoardKind.PROCESS), Placement("pc")),
        (FarmBoard(id="a", kind=BoardKind.TCP, address="h:1"), Placement(None, "tcp://h:1")),
        (
            FarmBoard(id="a", kind=BoardKind.MQTT, url="mqtt://b/r/x", device="uno_q"),
            Placement("uno_q", "mqtt://b/r/x"),
        ),
    ],
    ids=lambda value: value.kind if isinstance(value, FarmBoard) else "",
)
def test_where_other_kinds_are(board: FarmBoard, place: Placement) -> None:
    assert placed(board) == place


def test_of_several_ports_of_one_board_the_first_is_meant() -> None:
    board = FarmBoard(id="a", kind=BoardKind.SERIAL, usb_serial="E66")
    ports = [
        usb("/dev/ttyACM1", "E66", location="1-1.2:1.2"),
        usb("/dev/ttyACM0", "E66", location="1-1.2:1.0"),
    ]
    assert placed(board, lambda: ports).port == "/dev/ttyACM0"


def test_two_boards_with_one_serial_number_are_not_mixed_up() -> None:
    board = FarmBoard(id="a", kind=BoardKind.SERIAL, usb_serial="0001")
    ports = [
        usb("/dev/ttyUSB0", "0001", location="1-1.2"),
        usb("/dev/ttyUSB1", "0001", location="1-1.3"),
    ]
    with pytest.raises(LinkError, match=r"2 devices .* 0001: /dev/ttyUSB0, /dev/ttyUSB1") as caught:
        placed(board, lambda: ports)
    assert "by-path" in caught.value.hint


def test_a_path_that_leads_nowhere() -> None:
    board = FarmBoard(id="a", kind=BoardKind.SERIAL, path="/dev/serial/by-path/none")
    with pytest.raises(LinkError, match="nothing is plugged in at /dev/serial/by-path/none"):
        placed(board)
