"""A link to an emulated board: its UART through a TCP socket of this machine."""

from __future__ import annotations

import select
import socket
from typing import Protocol

from host.errors import LinkError

_CONNECT_S = 5.0
_WRITE_STALL_S = 30.0
_READ_BYTES = 65536
_EXIT_GRACE_S = 2.0


class RunningBoard(Protocol):
    """An emulator process, as far as a link needs it."""

    @property
    def name(self) -> str: ...

    @property
    def host(self) -> str: ...

    @property
    def port(self) -> int: ...

    @property
    def pid(self) -> int: ...

    def exit_report(self, wait_s: float = 0.0) -> str | None:
        """Why it ended; ``None`` while it runs."""
        ...

    def stop(self) -> None: ...


class EmulatorLink:
    """Implements :class:`host.links.base.Link`; owns the board and stops it on close."""

    transport = "emulator"

    def __init__(self, board: RunningBoard) -> None:
        """Connects.

        Raises:
            LinkError: the board has stopped, or its UART has another user.
        """
        self._board = board
        self._closed = False
        try:
            self._socket = socket.create_connection((board.host, board.port), timeout=_CONNECT_S)
        except OSError as error:
            report = board.exit_report(_EXIT_GRACE_S)
            board.stop()
            raise LinkError(report or f"{board.name}: {error}") from error
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.setblocking(False)

    @property
    def name(self) -> str:
        return self._board.name

    @property
    def pid(self) -> int:
        """The emulator's process id."""
        return self._board.pid

    def fileno(self) -> int:
        """For ``select``: readable when the board has sent something or is gone."""
        return self._socket.fileno()

    def read(self, timeout_s: float) -> bytes:
        """Bytes that have arrived; ``b""`` after ``timeout_s`` without any.

        Raises:
            LinkError: the board has stopped; says why.
        """
        self._check_open()
        try:
            if not select.select([self._socket], [], [], timeout_s)[0]:
                return b""
            data = self._socket.recv(_READ_BYTES)
        except OSError as error:
            raise self._gone(error) from error
        if not data:
            raise self._gone(None)
        return data

    def write(self, data: bytes) -> None:
        """Sends all of ``data``, waiting while the emulated line is behind.

        Raises:
            LinkError: the board has stopped, or takes nothing any more.
        """
        self._check_open()
        rest = memoryview(data)
        while rest:
            try:
                if not select.select([], [self._socket], [], _WRITE_STALL_S)[1]:
                    raise LinkError(f"{self.name}: nothing could be sent for {_WRITE_STALL_S:g} s")
                rest = rest[self._socket.send(rest) :]
            except OSError as error:
                raise self._gone(error) from error

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._socket.close()
            self._board.stop()

    def _check_open(self) -> None:
        if self._closed:
            raise LinkError(f"{self.name}: the link is closed")

    def _gone(self, error: OSError | None) -> LinkError:
        report = self._board.exit_report(_EXIT_GRACE_S)
        return LinkError(report or f"{self.name} has closed its UART: {error or 'end of stream'}")

    def __enter__(self) -> EmulatorLink:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
