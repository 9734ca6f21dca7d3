"""Clients over TCP, any number at once: the lease decides among them."""

from __future__ import annotations

import asyncio
import contextlib
import socket

from agent.linux.transports.base import Board
from agent.linux.transports.stream import serve_stream


class TcpTransport:
    """Implements :class:`Transport`; port 0 takes any that is free. Prints where it listens."""

    def __init__(self, host: str, port: int) -> None:
        self._host = host
        self._port = port

    async def serve(self, board: Board) -> None:
        async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            # Frames are small and each is waited for: never hold one back to fill a packet.
            line: socket.socket = writer.get_extra_info("socket")
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            try:
                with contextlib.suppress(OSError):
                    await serve_stream(reader, writer, board)
            finally:
                writer.close()

        server = await asyncio.start_server(client, self._host, self._port)
        try:
            host, port = server.sockets[0].getsockname()[:2]
            print(f"READY {host}:{port}", flush=True)
            await asyncio.Event().wait()
        finally:
            # serve_forever(), too, would wait for clients that stay, from Python 3.12 on.
            server.close()
