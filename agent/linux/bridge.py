"""The board's microcontroller behind a serial line: its sessions are passed through, unchanged.

A session belongs to the microcontroller when its HELLO names the domain MCU. The firmware there has
its own lease, sequence numbers and answers; this side only remembers who speaks in which session.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import OrderedDict

from agent.linux.transports.base import Send
from agent.linux.transports.serial import keep_open
from protocol.errors import ErrorCode
from protocol.framing import Frame, FrameDecoder
from protocol.messages import (
    ANSWER_BIT,
    ERROR_ANSWER,
    HELLO_ANSWER,
    HELLO_REQUEST,
    HOLDER_BYTES,
    NO_INDEX,
    Domain,
    MessageType,
)

_LOG = logging.getLogger(__name__)
_READ_BYTES = 65536
_MOST_SESSIONS = 64
"""Who has not spoken for as many others says HELLO again."""


class Bridge:
    """Takes the frames of the microcontroller's sessions; :meth:`run` must be running."""

    def __init__(self, port: str, baud: int) -> None:
        self._port = port
        self._baud = baud
        self._writer: asyncio.StreamWriter | None = None
        self._clients: OrderedDict[int, Send] = OrderedDict()
        self._greetings: OrderedDict[int, Send] = OrderedDict()
        """By sequence number: a HELLO that is refused is answered in session 0."""

    def takes(self, frame: Frame) -> bool:
        """Whether a frame is for the microcontroller; a HELLO decides for its session."""
        if frame.type != MessageType.HELLO:
            return frame.session in self._clients
        if len(frame.payload) < HELLO_REQUEST.sizeof():
            return False
        hello = HELLO_REQUEST.parse(frame.payload)
        if hello.domain == Domain.MCU:
            return True
        self._clients.pop(hello.session, None)
        return False

    async def submit(self, frame: Frame, send: Send) -> None:
        """Passes on what :meth:`takes` it; answers come by ``send``."""
        if frame.type & ANSWER_BIT:
            return
        if frame.type == MessageType.HELLO:
            _remember(self._clients, HELLO_REQUEST.parse(frame.payload).session, send)
            _remember(self._greetings, frame.sequence, send)
        else:
            _remember(self._clients, frame.session, send)
        if self._writer is None:
            await send(_unreachable(frame))
            return
        with contextlib.suppress(OSError):
            self._writer.write(frame.to_wire())
            await self._writer.drain()

    async def run(self) -> None:
        """Keeps the line open, and passes answers back, until cancelled."""
        await keep_open(self._port, self._baud, self._serve_line)

    async def _serve_line(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        decoder = FrameDecoder()
        _LOG.info("%s: the microcontroller is reached", self._port)
        try:
            while data := await reader.read(_READ_BYTES):
                for frame in decoder.feed(data):
                    await self._pass_back(frame)
        finally:
            self._writer = None

    async def _pass_back(self, frame: Frame) -> None:
        send = self._clients.get(frame.session)
        if frame.type == MessageType.HELLO | ANSWER_BIT:
            if len(frame.payload) >= HELLO_ANSWER.sizeof():
                send = self._clients.get(HELLO_ANSWER.parse(frame.payload).session)
        elif frame.session == 0:
            send = self._greetings.get(frame.sequence)
        if send is not None:
            with contextlib.suppress(OSError):
                await send(frame)


def _remember(whom: OrderedDict[int, Send], key: int, send: Send) -> None:
    whom[key] = send
    whom.move_to_end(key)
    if len(whom) > _MOST_SESSIONS:
        whom.popitem(last=False)


def _unreachable(frame: Frame) -> Frame:
    """The answer while the line is down."""
    payload = ERROR_ANSWER.build(
        {
            "request_type": frame.type,
            "code": ErrorCode.UNSUPPORTED,
            "index": NO_INDEX,
            "needed": 0,
            "available": 0,
            "boot_count": 0,
            "lease_left_ms": 0,
            "holder": bytes(HOLDER_BYTES),
        }
    )
    return Frame(MessageType.ERROR, frame.session, frame.sequence, payload)
