"""A board behind a TCP socket: an agent on a desktop, or one a serial server offers."""

from __future__ import annotations

import contextlib
import select
import socket

from host.errors import LinkError

_CONNECT_S = 5.0
_WRITE_S = 30.0
_READ_BYTES = 65536


class TcpLink:
    """Connects to ``host:port``. Raises LinkError when nobody listens there."""

    transport = "tcp"

    def __init__(self, host: str, port: int) -> None:
        self.name = f"tcp://{host}:{port}"
        try:
            self._socket = socket.create_connection((host, port), timeout=_CONNECT_S)
        except OSError as error:
            raise LinkError(
                f"cannot connect to {self.name}: {error.strerror or error}",
                hint="check that the agent runs there and listens on this port",
            ) from error
        # Frames are small and each waits for an answer: never hold one back to fill a packet.
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.settimeout(_WRITE_S)

    def read(self, timeout_s: float) -> bytes:
        try:
            if not select.select([self._socket], [], [], timeout_s)[0]:
                return b""
            data = self._socket.recv(_READ_BYTES)
        except (OSError, ValueError) as error:  # ValueError: closed on this side
            raise LinkError(f"the connection to {self.name} broke: {error}") from error
        if not data:
            raise LinkError(
                f"{self.name} closed the connection",
                hint="the agent ended or crashed: start it again and look at its output",
            )
        return data

    def write(self, data: bytes) -> None:
        try:
            self._socket.sendall(data)
        except OSError as error:
            raise LinkError(f"the connection to {self.name} broke: {error}") from error

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._socket.close()
