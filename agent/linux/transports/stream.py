"""Frames over a stream of bytes, whatever carries it."""

from __future__ import annotations

import asyncio

from agent.linux.board import MAX_PAYLOAD_BYTES
from agent.linux.transports.base import Board
from protocol.framing import FRAME_OVERHEAD_BYTES, Frame, FrameDecoder

_READ_BYTES = 65536
_STALL_S = 5.0
_MAX_FRAME_BYTES = MAX_PAYLOAD_BYTES + FRAME_OVERHEAD_BYTES


async def serve_stream(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, board: Board
) -> None:
    """Serves one client until it leaves.

    Raises:
        OSError: the line broke.
    """

    async def send(frame: Frame) -> None:
        if writer.is_closing():
            raise ConnectionAbortedError("the client has gone")
        writer.write(frame.to_wire())
        try:
            async with asyncio.timeout(_STALL_S):
                await writer.drain()
        except TimeoutError as error:
            # Who takes no answers must not keep the board: others wait behind this one.
            writer.transport.abort()
            raise ConnectionAbortedError("the client takes no answers") from error

    decoder = FrameDecoder(_MAX_FRAME_BYTES)
    while data := await reader.read(_READ_BYTES):
        for frame in decoder.feed(data):
            await board.submit(frame, send)
