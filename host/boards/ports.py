"""What is plugged in, and which boards it may be: by USB identity, never by order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Protocol

import attrs
from serial.tools import list_ports

import devices

_BY_ID = Path("/dev/serial/by-id")


class PortInfo(Protocol):
    """What pyserial says of a port."""

    device: str
    description: str
    vid: int | None
    pid: int | None
    serial_number: str | None


@attrs.frozen
class Candidate:
    """A board that a port may lead to, and what its profile says of that USB identity."""

    board: str
    what: str


@attrs.frozen
class ConnectedPort:
    """A serial port with a USB identity.

    ``board``: whose it is, where the identity tells; else ``candidates`` may be it.
    """

    device: str
    by_id: str | None
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
) -> tuple[ConnectedPort, ...]:
    """The USB serial ports of this machine, by device name.

    Args:
        profiles: the boards they may lead to.
        ports: what pyserial lists; None asks it.
        by_id: the folder of links that udev names by product and serial number.
    """
    links = _links(by_id)
    found = list_ports.comports() if ports is None else ports
    return tuple(
        ConnectedPort(
            device=port.device,
            by_id=links.get(Path(port.device).resolve()),
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
        return {link.resolve(): str(link) for link in sorted(folder.iterdir())}
    except OSError:  # no udev, or nothing is plugged in
        return {}
