"""Ways to a board: opened, given another image, opened again.

The session moves plans over an open link. Where a board cannot write its own flash, the plan
comes with the firmware, as one image; that needs what lies beneath the link, which is here.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from pathlib import Path
from typing import Protocol, Self

import devices
from host.boards.ports import connected_ports, port_of
from host.emulators import find_emulator, open_emulator
from host.errors import ConfigError
from host.links.base import Link
from host.links.mqtt_address import is_mqtt
from host.links.open import open_link, open_own_agent
from host.links.serial import SerialLink
from host.programming.built import image_of
from host.programming.find import find_programmer
from host.programming.image import write_with_plan


class Board(Protocol):
    """A board that one measurement uses. Closing it frees what it was reached by."""

    def open(self) -> Link:
        """A link to it; the one before must be closed."""
        ...

    def program(self, board: str, plan: bytes) -> int:
        """Gives it its firmware with ``plan`` behind it; no link may be open.

        Args:
            board: what the board itself said it is.

        Returns:
            The size of that image in bytes.

        Raises:
            ConfigError: image, profile or tool is missing.
            BoardError: firmware and plan are together too large.
            LinkError, DeadlineExceeded: the board could not be written.
        """
        ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...


class _WithImages:
    """Keeps the images that were made for a board until it is closed."""

    def __init__(self) -> None:
        self._folder: Path | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _image_with(self, plan: bytes, firmware: Path, board: str) -> tuple[Path, int]:
        if not firmware.is_file():
            raise ConfigError(
                f"{firmware}: the firmware of {board} is not built",
                hint="`make firmware` builds it",
            )
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="jumpstation-image-"))
        target = self._folder / firmware.name
        flash = _profile(board).flash_kb
        limit_bytes = None if flash is None else round(flash.value * 1024)
        return target, write_with_plan(firmware, plan, target, limit_bytes=limit_bytes)


class EmulatedBoard(_WithImages):
    """Implements :class:`Board`: started with each link, ended with it."""

    def __init__(self, board: str, *, flash_model: str | None, link: str | None) -> None:
        super().__init__()
        self._board = board
        self._flash_model = flash_model
        self._link = link
        self._image: Path | None = None

    def open(self) -> Link:
        return open_emulator(
            self._board, firmware=self._image, flash_model=self._flash_model, link=self._link
        )

    def program(self, board: str, plan: bytes) -> int:
        firmware = find_emulator(self._board).default_firmware
        self._image, size = self._image_with(plan, firmware, board)
        return size


class BoardOnPort(_WithImages):
    """Implements :class:`Board`: a physical board, or what stands at a port in its place.

    Args:
        port: a device, ``tcp://HOST:PORT``, or ``mqtt[s]://BROKER/RACK/BOARD``.
        board: what is expected there; None: whatever the port's USB identity says.
        baud: of a serial port; None: that of the board's firmware.
    """

    def __init__(self, port: str, board: str | None, baud: int | None = None) -> None:
        super().__init__()
        self._port = port
        self._board = board
        self._baud = baud

    def open(self) -> Link:
        transport = _serial_transport(self._board or self._connected())
        baud = self._baud
        if baud is None and transport is not None and transport.baud is not None:
            baud = int(transport.baud.value)
        link = open_link(self._port, baud=baud)
        if transport is not None and transport.startup_s is not None:
            _await_startup(link, transport.startup_s.value)
        return link

    def program(self, board: str, plan: bytes) -> int:
        if is_mqtt(self._port):
            raise ConfigError(
                f"{board} cannot write its own flash, and no programmer reaches it over MQTT",
                hint="measure it once at its rack, with --port and the port it has there: the plan "
                "stays in its flash",
            )
        profile = _profile(board)
        programmer = find_programmer(profile)
        firmware = image_of(profile)
        assert firmware is not None  # a profile with a programmer names an image
        image, size = self._image_with(plan, firmware, board)
        programmer.program(image, self._port)
        return size

    def _connected(self) -> str | None:
        port = port_of(self._port, connected_ports(devices.load_all()))
        return None if port is None else port.board


class OwnAgent:
    """Implements :class:`Board`: the agent as a process of this computer."""

    def open(self) -> Link:
        return open_own_agent()

    def program(self, board: str, plan: bytes) -> int:
        raise ConfigError(f"{board} is a process: nothing programs it")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass


def _profile(board: str) -> devices.Profile:
    try:
        return devices.load(board)
    except (devices.UnknownDeviceError, devices.ProfileError) as error:
        raise ConfigError(str(error)) from error


def _serial_transport(board: str | None) -> devices.Transport | None:
    if board is None:
        return None
    return next((way for way in _profile(board).transports if way.kind == "serial"), None)


def _await_startup(link: Link, startup_s: float) -> None:
    """Waits out the boot loader of a board that opening has reset, and what it said."""
    if isinstance(link, SerialLink) and link.has_modem_lines:
        time.sleep(startup_s)
        link.read(0)
