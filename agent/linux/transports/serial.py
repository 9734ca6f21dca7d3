"""A serial port, such as the gadget port of a board on a host's USB."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable

import serial

from agent.linux.transports.base import Board
from agent.linux.transports.files import open_streams
from agent.linux.transports.stream import serve_stream

_LOG = logging.getLogger(__name__)
_RETRY_S = 1.0

ServeLine = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
"""Returns when the line has ended; raises OSError where it broke."""


class SerialTransport:
    """Implements :class:`Transport`: opens ``port`` for itself alone, again where it went away."""

    def __init__(self, port: str, baud: int) -> None:
        self._port = port
        self._baud = baud

    async def serve(self, board: Board) -> None:
        _open(self._port, self._baud).close()  # one that is not there at first is a mistake
        print(f"READY {self._port}", flush=True)
        await keep_open(
            self._port, self._baud, lambda reader, writer: serve_stream(reader, writer, board)
        )


async def keep_open(port: str, baud: int, serve: ServeLine) -> None:
    """Has ``serve`` serve the port whenever it is there, until cancelled."""
    while True:
        try:
            line = _open(port, baud)
        except OSError:  # serial.SerialException among them: not there, or another's
            await asyncio.sleep(_RETRY_S)
            continue
        try:
            await _serve_line(line, serve)
        except OSError as error:
            _LOG.warning("%s: %s", port, error)
        line.close()
        await asyncio.sleep(_RETRY_S)


def _open(port: str, baud: int) -> serial.Serial:
    return serial.Serial(port, baud, exclusive=True)


async def _serve_line(line: serial.Serial, serve: ServeLine) -> None:
    source = os.fdopen(os.dup(line.fileno()), "rb", buffering=0)
    sink = os.fdopen(os.dup(line.fileno()), "wb", buffering=0)
    reader, writer = await open_streams(source, sink)
    try:
        await serve(reader, writer)
    finally:
        writer.close()
