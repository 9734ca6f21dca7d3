"""A board on a serial port or a pseudo-terminal."""

from __future__ import annotations

import contextlib
import errno
from pathlib import Path

import serial

from host.errors import LinkError, LinkTaken

DEFAULT_BAUD = 921_600
_WRITE_S = 30.0


class SerialLink:
    """Opens ``port`` for this process alone.

    Exclusively, because a second client's bytes between ours would be lost frames at
    best, and because opening resets some boards (an Arduino UNO).

    Raises:
        LinkError: there is no such port, it is taken, or it may not be opened.
    """

    transport = "serial"

    def __init__(self, port: str, baud: int = DEFAULT_BAUD) -> None:
        self.name = port
        try:
            self._port = serial.Serial(port, baud, exclusive=True, write_timeout=_WRITE_S)
        except (serial.SerialException, OSError, ValueError) as error:
            raise _cannot_open(port, error) from error

    @property
    def has_modem_lines(self) -> bool:
        """Whether opening it moved DTR, which resets some boards: a pseudo-terminal has none."""
        try:
            return isinstance(self._port.cts, bool)
        except (serial.SerialException, OSError):
            return False

    def read(self, timeout_s: float) -> bytes:
        try:
            self._port.timeout = timeout_s
            first = bytes(self._port.read(1))
            if not first:
                return b""
            return first + bytes(self._port.read(self._port.in_waiting))
        except (serial.SerialException, OSError, TypeError) as error:
            # TypeError: pyserial's way to say that the port was closed meanwhile.
            raise self._gone(error) from error

    def write(self, data: bytes) -> None:
        try:
            self._port.write(data)
        except serial.SerialTimeoutException as error:
            raise LinkError(
                f"{self.name} took no bytes for {_WRITE_S:.0f} s",
                hint="check the cable, and that no flow control holds the line",
            ) from error
        except (serial.SerialException, OSError) as error:
            raise self._gone(error) from error

    def close(self) -> None:
        with contextlib.suppress(serial.SerialException, OSError):
            self._port.close()

    def _gone(self, error: Exception) -> LinkError:
        return LinkError(
            f"{self.name} is gone: {error}",
            hint="the board was unplugged or its emulator ended: connect it again",
        )


def _cannot_open(port: str, error: Exception) -> LinkError:
    number = getattr(error, "errno", None)
    if number == errno.ENOENT or (number is None and not Path(port).exists()):
        return LinkError(
            f"there is no port {port}",
            hint="check the cable and the name; `ls /dev/ttyACM* /dev/ttyUSB*` lists ports",
        )
    if number == errno.EACCES:
        return LinkError(
            f"no permission to open {port}",
            hint="add your user to the group that owns the port (often dialout), then log in again",
        )
    if number in (errno.EAGAIN, errno.EWOULDBLOCK, errno.EBUSY) or "exclusively lock" in str(error):
        return LinkTaken(
            f"port {port} is taken by another program",
            hint=f"close it first; `fuser {port}` names the program",
        )
    return LinkError(f"cannot open port {port}: {error}", hint="check that it is a serial port")
