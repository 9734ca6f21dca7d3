"""One client on standard input and output."""

from __future__ import annotations

import os
import sys

from agent.linux.transports.base import Board
from agent.linux.transports.files import open_streams
from agent.linux.transports.stream import serve_stream


class StdioTransport:
    """Implements :class:`Transport`; ends with its input."""

    async def serve(self, board: Board) -> None:
        answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb", buffering=0)
        # What a library prints must not get between frames.
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
        reader, writer = await open_streams(sys.stdin.buffer, answers)
        await serve_stream(reader, writer, board)
