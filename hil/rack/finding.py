"""From a line of the farm file to a link: where that board is now, under whatever name."""

from __future__ import annotations

from hil.farm.file import BoardKind, FarmBoard
from hil.farm.place import ListPorts, placed
from host.boards.reach import BoardOnPort
from host.emulators import open_emulator
from host.links.base import Link
from host.links.open import open_own_agent


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
    place = placed(board, list_ports)
    if place.port is not None:
        return BoardOnPort(place.port, place.board).open()
    if board.kind == BoardKind.PROCESS:
        return open_own_agent()
    assert place.board is not None
    return open_emulator(place.board, flash_model=place.flash_model)
