"""USB serial ports as pyserial reports them, made up."""

from __future__ import annotations

from serial.tools.list_ports_common import ListPortInfo

PICO = (0x2E8A, 0x000A)
UNO_R3 = (0x2341, 0x0043)
CP2102 = (0x10C4, 0xEA60)


def usb(
    device: str,
    serial_number: str | None,
    identity: tuple[int, int] = PICO,
    location: str | None = None,
) -> ListPortInfo:
    """A port; ``identity`` is vendor and product, ``location`` the socket: ``1-1.2:1.0``."""
    info = ListPortInfo(device, skip_link_detection=True)
    info.vid, info.pid = identity
    info.serial_number, info.location = serial_number, location
    return info
