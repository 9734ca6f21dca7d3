"""From a line of the farm file to a link: where that board is now, under whatever name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import devices
from hil.rack.farm import BoardKind, FarmBoard
from host.boards.ports import PortInfo, connected_ports
from host.boards.reach import BoardOnPort
from host.emulators import open_emulator
from host.errors import LinkError
from host.links.base import Link
from host.links.open import open_own_agent

ListPorts = Callable[[], Iterable[PortInfo] | None]


def open_board(board: FarmBoard, list_ports: ListPorts = lambda: None) -> Link:
    """Opens the way to a board.

    Args:
        board: which.
        list_ports: the serial ports of this machine; returns None to have pyserial asked.

    Raises:
        LinkError: it is not plugged in, taken, or its agent does not run.
        ConfigError, DeadlineExceeded: an emulator or the agent for this computer is missing, or
            did not start.
    """
    match board.kind:
        case BoardKind.EMULATOR:
            assert board.emulator is not None
            return open_emulator(board.emulator, flash_model=board.flash_model)
        case BoardKind.PROCESS:
            return open_own_agent()
        case BoardKind.TCP:
            return BoardOnPort(f"tcp://{board.address}", board.device).open()
        case BoardKind.SERIAL:
            return BoardOnPort(_port(board, list_ports), board.device).open()


def _port(board: FarmBoard, list_ports: ListPorts) -> str:
    if board.path is not None:
        if not Path(board.path).exists():
            raise LinkError(f"nothing is plugged in at {board.path}")
        return board.path
    profiles: Sequence[devices.Profile] = devices.load_all()
    found = [
        port.device
        for port in connected_ports(profiles, list_ports())
        if port.serial_number == board.usb_serial
    ]
    if not found:
        raise LinkError(f"no USB device with serial number {board.usb_serial} is plugged in")
    # A board of several interfaces is one device with several ports: the first is its console.
    return found[0]
