"""A serial port, such as the gadget port of a board on a host's USB."""

from __future__ import annotations

import asyncio
import logging
import os

import serial

from agent.linux.transports.base import Submit
from agent.linux.transports.files import open_streams
from agent.linux.transports.stream import serve_stream

_LOG = logging.getLogger(__name__)
_RETRY_S = 1.0


class SerialTransport:
    """Implements :class:`Transport`: opens ``port`` for itself alone, again where it went away."""

    def __init__(self, port: str, baud: int) -> None:
        self._port = port
        self._baud = baud

    async def serve(self, submit: Submit) -> None:
        line = self._open()
        print(f"READY {self._port}", flush=True)
        while True:
            try:
                await self._serve_line(line, submit)
            except OSError as error:
                _LOG.warning("%s: %s", self._port, error)
            line.close()
            line = await self._reopen()

    def _open(self) -> serial.Serial:
        return serial.Serial(self._port, self._baud, exclusive=True)

    async def _reopen(self) -> serial.Serial:
        while True:
            await asyncio.sleep(_RETRY_S)
            try:
                return self._open()
            except OSError:  # serial.SerialException among them: not there yet
                continue

    async def _serve_line(self, line: serial.Serial, submit: Submit) -> None:
        source = os.fdopen(os.dup(line.fileno()), "rb", buffering=0)
        sink = os.fdopen(os.dup(line.fileno()), "wb", buffering=0)
        reader, writer = await open_streams(source, sink)
        try:
            await serve_stream(reader, writer, submit)
        finally:
            writer.close()
