"""From a line of the farm file to where that board is now, under whatever name."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import attrs

import devices
from hil.farm.file import NO_FLASH, BoardKind, FarmBoard
from host.boards.ports import PortInfo, connected_ports
from host.errors import ConfigError, LinkError

ListPorts = Callable[[], Iterable[PortInfo] | None]


@attrs.frozen
class Placement:
    """What :class:`host.measurement.measure.MeasureRequest` needs to know of a board.

    ``board``: its id in the catalog, None where the farm file does not say; ``port`` None: it is
    started here, emulated or as a process; ``may_program``: whether its firmware may be replaced.
    """

    board: str | None
    port: str | None = None
    flash_model: str | None = None
    may_program: bool = True


def placed(board: FarmBoard, list_ports: ListPorts = lambda: None) -> Placement:
    """Where a board is; nothing is opened or started.

    Args:
        board: which.
        list_ports: the serial ports of this machine; returns None to have pyserial asked.

    Raises:
        LinkError: it is not plugged in.
        ConfigError: the catalog knows no board that is this computer.
    """
    match board.kind:
        case BoardKind.EMULATOR:
            return Placement(board.emulator, flash_model=board.flash_model)
        case BoardKind.PROCESS:
            return Placement(board.device or _this_computer())
        case BoardKind.TCP:
            return Placement(
                board.device, f"tcp://{board.address}", may_program=_may_program(board)
            )
        case BoardKind.MQTT:
            return Placement(board.device, board.url)
        case BoardKind.SERIAL:
            return Placement(
                board.device, _port(board, list_ports), may_program=_may_program(board)
            )


def _may_program(board: FarmBoard) -> bool:
    return board.flash != NO_FLASH


def _this_computer() -> str:
    for profile in devices.load_all():
        if any(way.kind == "process" for way in profile.transports):
            return profile.id
    raise ConfigError("no board of the catalog is a process of this computer")


def _port(board: FarmBoard, list_ports: ListPorts) -> str:
    if board.path is not None:
        if not Path(board.path).exists():
            raise LinkError(
                f"nothing is plugged in at {board.path}",
                hint=f"check the cable of {board.id}; `host boards` lists what is connected",
            )
        return board.path
    found = [
        port
        for port in connected_ports(devices.load_all(), list_ports())
        if port.serial_number == board.usb_serial
    ]
    if not found:
        raise LinkError(
            f"no USB device with serial number {board.usb_serial} is plugged in",
            hint=f"check the cable of {board.id}; `host boards` lists what is connected",
        )
    if len({port.location or port.device for port in found}) > 1:
        # Converters of one maker may all have the same: to take any could flash the wrong board.
        names = ", ".join(port.device for port in found)
        raise LinkError(
            f"{len(found)} devices have the serial number {board.usb_serial}: {names}",
            hint=f"name {board.id} by its socket in the farm file: identity: "
            "{path: /dev/serial/by-path/...}",
        )
    # A board of several interfaces is one device with several ports: the first is its console.
    return found[0].device
