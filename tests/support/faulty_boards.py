"""Boards that fail in each of the known ways: real agents, behind a relay that spoils the talk.

All relays run on one event loop in one thread, so that a rack of fifty costs little. What a relay
does is a :class:`Behaviour`, which a test changes from job to job.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import attrs

from hil.farm import BoardKind, FarmBoard
from protocol.errors import ErrorCode
from protocol.framing import Frame, FrameDecoder
from protocol.messages import (
    ANSWER_BIT,
    ANSWERS,
    ERROR_ANSWER,
    HOLDER_BYTES,
    NO_INDEX,
    MessageType,
)
from tests.support.pc_agent import running_agent

_JOIN_S = 10.0


class Cut(Exception):
    """The cable is pulled."""


class Behaviour:
    """A board in good health. A new one is made for each connection."""

    def request(self, frame: Frame) -> tuple[list[Frame], list[Frame]]:
        """What reaches the board of a request, and what the host is told at once."""
        return [frame], []

    def answer(self, frame: Frame) -> bytes:
        """What the host receives of an answer."""
        return frame.to_wire()


def _error(frame: Frame, code: ErrorCode, **fields: Any) -> Frame:
    """A refusal of a request."""
    payload = {
        "request_type": frame.type,
        "code": int(code),
        "index": NO_INDEX,
        "needed": 0,
        "available": 0,
        "boot_count": 1,
        "lease_left_ms": 0,
        "holder": bytes(HOLDER_BYTES),
        **fields,
    }
    return Frame(MessageType.ERROR, frame.session, frame.sequence, ERROR_ANSWER.build(payload))


def _rewritten(frame: Frame, kind: MessageType, **fields: Callable[[Any], Any]) -> Frame:
    """An answer with some of its fields changed."""
    values = ANSWERS[kind].parse(frame.payload)
    for name, change in fields.items():
        values[name] = change(values[name])
    return attrs.evolve(frame, payload=ANSWERS[kind].build(values))


@attrs.define
class Refuses(Behaviour):
    """Answers one kind of request with an error, always."""

    kind: MessageType
    code: ErrorCode
    fields: dict[str, Any] = attrs.field(factory=dict)

    def request(self, frame: Frame) -> tuple[list[Frame], list[Frame]]:
        if frame.type == self.kind:
            return [], [_error(frame, self.code, **self.fields)]
        return [frame], []


class Mute(Behaviour):
    """Takes everything and says nothing."""

    def request(self, frame: Frame) -> tuple[list[Frame], list[Frame]]:
        return [], []


class HangsInRun(Behaviour):
    """Never comes back from the first run."""

    def request(self, frame: Frame) -> tuple[list[Frame], list[Frame]]:
        return ([], []) if frame.type == MessageType.RUN else ([frame], [])


class ResetsInRun(Behaviour):
    """Has forgotten the session when the run is over, and counts one start more."""

    def __init__(self) -> None:
        self._has_reset = False

    def request(self, frame: Frame) -> tuple[list[Frame], list[Frame]]:
        if frame.type == MessageType.RUN:
            self._has_reset = True
            return [], [_error(frame, ErrorCode.NO_SESSION)]
        return [frame], []

    def answer(self, frame: Frame) -> bytes:
        if self._has_reset and frame.type == MessageType.HELLO | ANSWER_BIT:
            frame = _rewritten(frame, MessageType.HELLO, boot_count=lambda count: count + 1)
        return frame.to_wire()


class CutInUpload(Behaviour):
    """Is unplugged while the plan is on its way."""

    def request(self, frame: Frame) -> tuple[list[Frame], list[Frame]]:
        if frame.type == MessageType.PLAN_CHUNK:
            raise Cut
        return [frame], []


class Garbles(Behaviour):
    """Whatever it says arrives damaged once it is held."""

    def __init__(self) -> None:
        self._held = False

    def answer(self, frame: Frame) -> bytes:
        wire = bytearray(frame.to_wire())
        if self._held:
            wire[len(wire) // 2] ^= 0x55
        self._held = self._held or frame.type == MessageType.LEASE | ANSWER_BIT
        return bytes(wire)


class Loses(Behaviour):
    """Every request has to be sent twice, and no run arrives at all."""

    def __init__(self) -> None:
        self._seen: set[tuple[int, int]] = set()

    def request(self, frame: Frame) -> tuple[list[Frame], list[Frame]]:
        key = (frame.session, frame.sequence)
        again, _ = key in self._seen, self._seen.add(key)
        passes = again or frame.type == MessageType.PLAN_CHUNK
        return ([frame] if passes and frame.type != MessageType.RUN else []), []


@attrs.define
class RunSays(Behaviour):
    """Reports a run with other values than the board's."""

    changes: dict[str, Callable[[Any], Any]]

    def answer(self, frame: Frame) -> bytes:
        if frame.type == MessageType.RUN | ANSWER_BIT:
            frame = _rewritten(frame, MessageType.RUN, **self.changes)
        return frame.to_wire()


class Malformed(Behaviour):
    """Answers a run with what is no answer to it, in a frame that is whole."""

    def answer(self, frame: Frame) -> bytes:
        if frame.type == MessageType.RUN | ANSWER_BIT:
            frame = attrs.evolve(frame, payload=b"\x01")
        return frame.to_wire()


@attrs.define
class UntilPowerCycled(Behaviour):
    """As ``inner``, until the file is there that switching its power makes."""

    inner: Behaviour
    switched: Path

    def request(self, frame: Frame) -> tuple[list[Frame], list[Frame]]:
        return ([frame], []) if self.switched.exists() else self.inner.request(frame)


Behave = Callable[[], Behaviour]


class FaultyBoard:
    """One relay. ``behave`` makes the behaviour of the next connection; None: it is unplugged."""

    def __init__(self, name: str, agent_port: int, loop: asyncio.AbstractEventLoop) -> None:
        self.name = name
        self._agent_port = agent_port
        self._loop = loop
        self._server: asyncio.Server | None = None
        self._behave: Behave | None = Behaviour
        self.port = 0
        self.connections = 0
        self._call(self._plug_in())

    @property
    def farm_board(self) -> FarmBoard:
        """As a farm file would have it."""
        address = f"127.0.0.1:{self.port}"
        return FarmBoard(id=self.name, kind=BoardKind.TCP, device="pc", address=address)

    def becomes(self, behave: Behave | None) -> None:
        """From the next connection on."""
        self._behave = behave
        self._call(self._unplug() if behave is None else self._plug_in())

    def close(self) -> None:
        self._call(self._unplug())

    def _call(self, work: Any) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(_JOIN_S)

    async def _plug_in(self) -> None:
        if self._server is None:
            self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
            self.port = self._server.sockets[0].getsockname()[1]

    async def _unplug(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None

    async def _serve(self, host: asyncio.StreamReader, to_host: asyncio.StreamWriter) -> None:
        self.connections += 1
        behaviour = (self._behave or Behaviour)()
        board, to_board = await asyncio.open_connection("127.0.0.1", self._agent_port)
        passing = [
            asyncio.ensure_future(self._requests(behaviour, host, to_host, to_board)),
            asyncio.ensure_future(self._answers(behaviour, board, to_host)),
        ]
        try:
            await asyncio.wait(passing, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in passing:
                task.cancel()
            await asyncio.gather(*passing, return_exceptions=True)
            for writer in (to_host, to_board):
                writer.close()
                with contextlib.suppress(OSError):
                    await writer.wait_closed()

    async def _requests(
        self,
        behaviour: Behaviour,
        host: asyncio.StreamReader,
        to_host: asyncio.StreamWriter,
        to_board: asyncio.StreamWriter,
    ) -> None:
        decoder = FrameDecoder()
        with contextlib.suppress(Cut, OSError):
            while data := await host.read(65536):
                for frame in decoder.feed(data):
                    forwarded, told = behaviour.request(frame)
                    to_board.write(b"".join(each.to_wire() for each in forwarded))
                    to_host.write(b"".join(each.to_wire() for each in told))

    async def _answers(
        self, behaviour: Behaviour, board: asyncio.StreamReader, to_host: asyncio.StreamWriter
    ) -> None:
        decoder = FrameDecoder()
        with contextlib.suppress(OSError):
            while data := await board.read(65536):
                for frame in decoder.feed(data):
                    to_host.write(behaviour.answer(frame))


class FaultyRack:
    """``count`` boards, each an agent of its own behind a relay, from entry to exit."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._stack = contextlib.ExitStack()
        self.boards: Sequence[FaultyBoard] = ()

    def __enter__(self) -> Self:
        loop = asyncio.new_event_loop()
        thread = threading.Thread(target=loop.run_forever, name="relays", daemon=True)
        thread.start()
        self._stack.callback(loop.close)
        self._stack.callback(thread.join, _JOIN_S)
        self._stack.callback(loop.call_soon_threadsafe, loop.stop)
        boards = []
        for number in range(self._count):
            port = int(self._stack.enter_context(running_agent("--pool-bytes", "65536")))
            board = FaultyBoard(f"board-{number:02}", port, loop)
            self._stack.callback(board.close)
            boards.append(board)
        self.boards = boards
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    @property
    def farm_boards(self) -> dict[str, FarmBoard]:
        """By the names that jobs have."""
        return {f"rack/{board.name}": board.farm_board for board in self.boards}
