"""What is plugged in, and which boards it may be: by USB identity, never by order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Protocol

import attrs
from serial.tools import list_ports

import devices

_BY_ID = Path("/dev/serial/by-id")
_BY_PATH = Path("/dev/serial/by-path")


class PortInfo(Protocol):
    """What pyserial says of a port."""

    device: str
    description: str
    vid: int | None
    pid: int | None
    serial_number: str | None
    location: str | None


@attrs.frozen
class Candidate:
    """A board that a port may lead to, and what its profile says of that USB identity."""

    board: str
    what: str


@attrs.frozen
class ConnectedPort:
    """A serial port with a USB identity.

    ``by_id`` and ``by_path`` are udev's names for the device and for its socket; ``location`` is
    the socket as the kernel counts it, ``1-1.2``: port 2 of hub ``1-1``.
    ``board``: whose it is, where the identity tells; else ``candidates`` may be it.
    """

    device: str
    by_id: str | None
    by_path: str | None
    location: str | None
    vendor_id: int
    product_id: int
    serial_number: str | None
    description: str
    board: str | None
    candidates: tuple[Candidate, ...]


def connected_ports(
    profiles: Sequence[devices.Profile],
    ports: Iterable[PortInfo] | None = None,
    by_id: Path = _BY_ID,
    by_path: Path = _BY_PATH,
) -> tuple[ConnectedPort, ...]:
    """The USB serial ports of this machine, by device name.

    Args:
        profiles: the boards they may lead to.
        ports: what pyserial lists; None asks it.
        by_id: the folder of links that udev names by product and serial number.
        by_path: that of links named by socket.
    """
    by_ids, by_paths = _links(by_id), _links(by_path)
    found = list_ports.comports() if ports is None else ports
    return tuple(
        ConnectedPort(
            device=port.device,
            by_id=by_ids.get(Path(port.device).resolve()),
            by_path=by_paths.get(Path(port.device).resolve()),
            # pyserial adds the interface where a device has several.
            location=None if port.location is None else port.location.partition(":")[0],
            vendor_id=port.vid,
            product_id=port.pid,
            serial_number=port.serial_number or None,
            description=port.description,
            board=_certain(profiles, port.vid, port.pid),
            candidates=tuple(
                Candidate(profile.id, identity.what)
                for profile, identity in _claims(profiles, port.vid, port.pid)
            ),
        )
        for port in sorted(found, key=lambda port: port.device)
        if port.vid is not None and port.pid is not None
    )


def port_of(device: str, ports: Iterable[ConnectedPort]) -> ConnectedPort | None:
    """The port that ``device`` names, be it by a link to it."""
    wanted = Path(device).resolve()
    return next((port for port in ports if Path(port.device).resolve() == wanted), None)


def _claims(
    profiles: Sequence[devices.Profile], vendor_id: int, product_id: int
) -> list[tuple[devices.Profile, devices.UsbIdentity]]:
    return [
        (profile, identity)
        for profile in profiles
        for transport in profile.transports
        for identity in transport.usb
        if (identity.vendor_id, identity.product_id) == (vendor_id, product_id)
    ]


def _certain(profiles: Sequence[devices.Profile], vendor_id: int, product_id: int) -> str | None:
    """The one board with that identity, unless products that are no board have it too."""
    claims = _claims(profiles, vendor_id, product_id)
    boards = {profile.id for profile, _ in claims}
    if len(boards) != 1 or any(identity.generic for _, identity in claims):
        return None
    return boards.pop()


def _links(folder: Path) -> dict[Path, str]:
    try:
        # Of several links to a port the first is kept: udev adds a `usbv2-` to a `usb-`.
        links = sorted(folder.iterdir(), reverse=True)
        return {link.resolve(): str(link) for link in links}
    except OSError:  # no udev, or nothing is plugged in
        return {}
