"""The agent under test: its link, what it offers, and sessions with it."""

from __future__ import annotations

import contextlib
import random
import time
import zlib
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any

from construct import Bytes, Default, Renamed

from hil.conformance.verdict import Failed, Skipped, expect
from host.links.base import Link
from protocol.capabilities import Capabilities, StoreCapability, WrittenBy
from protocol.errors import ErrorCode
from protocol.framing import Frame, FrameDecoder
from protocol.messages import (
    ALL_OPS,
    ANSWER_BIT,
    ANSWERS,
    ERROR_ANSWER,
    ERROR_FIXED_BYTES,
    HOLDER_BYTES,
    MAX_ERROR_TEXT_BYTES,
    REQUESTS,
    InputSource,
    LeaseAction,
    MessageType,
)
from protocol.plan import PlanOp

_POLL_S = 0.25
_QUIET_S = 0.5
"""Nothing for as long: nothing is on its way any more."""
_NAMES = {int(kind): kind.name for kind in MessageType}


class Refused(Exception):
    """The agent answered ERROR."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.code: int = answer.code
        known = {int(code): code.name for code in ErrorCode}
        super().__init__(known.get(answer.code, f"code {answer.code}"))


class Board:
    """Frames to and from the agent. ``deadline_s``: how long an answer may take."""

    def __init__(self, open_link: Callable[[], Link], deadline_s: float) -> None:
        self.link = open_link()
        self.deadline_s = deadline_s
        self._open_link = open_link
        self._decoder = FrameDecoder()
        self._arrived: list[Frame] = []
        self._random = random.Random()

    def reopen(self) -> None:
        """A reset may take the link along."""
        self.link.close()
        self.link = self._open_link()
        self.forget()

    def forget(self) -> None:
        """Starts afresh with what arrives from now on."""
        self._decoder = FrameDecoder()
        self._arrived.clear()

    def drain(self) -> None:
        """Forgets what a failed check left unread, on its way too."""
        while self.link.read(_QUIET_S):
            pass
        self.forget()

    def send(self, data: bytes) -> None:
        self.link.write(data)

    def receive(self, deadline_s: float | None = None) -> Frame:
        """The next frame. Raises Failed when none comes."""
        ends = time.monotonic() + (self.deadline_s if deadline_s is None else deadline_s)
        while not self._arrived:
            left_s = ends - time.monotonic()
            expect(left_s > 0, "the agent did not answer")
            self._arrived += self._decoder.feed(self.link.read(min(left_s, _POLL_S)))
        return self._arrived.pop(0)

    def needs_stream(self) -> None:
        """Raises Skipped where frames do not travel as a stream of bytes."""
        if self.link.transport == "mqtt":
            raise Skipped("frames are whole messages here")

    def session(self, session: int | None = None) -> Session:
        """A session, without the lease; ``None``: a number of its own."""
        return Session(self, self._random.randrange(1, 1 << 32) if session is None else session)

    @contextlib.contextmanager
    def lease(self) -> Iterator[Session]:
        """A session that holds the board, for as long as the context lasts."""
        session = self.session()
        session.take()
        try:
            yield session
        finally:
            with contextlib.suppress(Refused, Failed):
                session.release()

    @cached_property
    def capabilities(self) -> Capabilities:
        return Capabilities.from_bytes(self.session().capability_list())

    @property
    def store(self) -> StoreCapability:
        """A store that a session writes. Raises Skipped without one."""
        for store in self.capabilities.stores:
            if store.written_by == WrittenBy.SESSION:
                return store
        raise Skipped("no store that a session can write")

    def op_kind(self, kinds: tuple[PlanOp, ...]) -> PlanOp:
        """The first of these that the agent has. Raises Skipped without any."""
        for kind in kinds:
            if kind in self.capabilities.op_set:
                return kind
        raise Skipped(f"none of {', '.join(kind.name for kind in kinds)} in its OP_SET")


class Session:
    """Requests under one session number. ``alive`` collects the signs of life seen."""

    def __init__(self, board: Board, session: int) -> None:
        self.board = board
        self.number = session
        self.sequence = board._random.randrange(0x10000)
        self.alive: list[Frame] = []

    def frame(self, kind: int, payload: bytes = b"") -> Frame:
        """A new request; its payload as it stands."""
        self.sequence = (self.sequence + 1) & 0xFFFF
        return Frame(kind, self.number, self.sequence, payload)

    def request(self, kind: MessageType, **fields: Any) -> Frame:
        """A new request; fields not given are 0."""
        named = {sub.name: _zero(sub) for sub in REQUESTS[kind].subcons}
        return self.frame(kind, REQUESTS[kind].build({**named, **fields}))

    def exchange(self, request: Frame) -> Any:
        """Sends a frame; its answer, parsed. Raises Refused, Failed."""
        self.board.send(request.to_wire())
        return self.answer_to(request)

    def answer_to(self, request: Frame) -> Any:
        """The next answer, which must be this request's."""
        while True:
            answer = self.board.receive()
            expect(
                (answer.session, answer.sequence) == (request.session, request.sequence),
                f"an answer with session 0x{answer.session:08x}, sequence {answer.sequence}; "
                f"asked with 0x{request.session:08x}, {request.sequence}",
            )
            if answer.type != MessageType.ALIVE:
                break
            self.alive.append(answer)
        if answer.type == MessageType.ERROR:
            expect(
                len(answer.payload) >= ERROR_FIXED_BYTES,
                f"an ERROR of {len(answer.payload)} bytes",
            )
            refused = ERROR_ANSWER.parse(answer.payload)
            expect(
                len(refused.text) <= MAX_ERROR_TEXT_BYTES,
                f"an ERROR with {len(refused.text)} bytes of text",
            )
            raise Refused(refused)
        expect(
            answer.type == request.type | ANSWER_BIT,
            f"type 0x{answer.type:02x} as the answer to {_NAMES.get(request.type, request.type)}",
        )
        return ANSWERS[MessageType(request.type)].parse(answer.payload)

    def ask(self, kind: MessageType, **fields: Any) -> Any:
        return self.exchange(self.request(kind, **fields))

    def is_refused(self, code: ErrorCode, kind: MessageType, **fields: Any) -> Any:
        """Asks; the answer must be ERROR with ``code``, and is returned."""
        return self.frame_is_refused(code, self.request(kind, **fields))

    def frame_is_refused(self, code: ErrorCode, request: Frame) -> Any:
        name = _NAMES.get(request.type, f"type 0x{request.type:02x}")
        try:
            self.exchange(request)
        except Refused as refusal:
            expect(refusal.code == code, f"{name} was refused with {refusal}, not {code.name}")
            expect(
                refusal.answer.request_type == request.type,
                f"ERROR names request type {refusal.answer.request_type}, not {request.type}",
            )
            return refusal.answer
        raise Failed(f"{name} was done, not refused with {code.name}")

    def hello(self, low: int = 1, high: int = 1) -> Any:
        return self.ask(MessageType.HELLO, protocol_min=low, protocol_max=high, session=self.number)

    def capability_list(self) -> bytes:
        data: bytes = b""
        while True:
            page = self.ask(MessageType.CAPABILITIES, offset=len(data))
            data += page.data
            if len(data) >= page.total_bytes:
                return data
            expect(page.data, f"an empty page at {len(data)} of {page.total_bytes}")

    def take(self, duration_ms: int = 60_000, holder: bytes = b"conformance") -> Any:
        return self.ask(
            MessageType.LEASE,
            action=LeaseAction.TAKE,
            duration_ms=duration_ms,
            holder=holder.ljust(HOLDER_BYTES, b"\0"),
        )

    def release(self) -> Any:
        return self.ask(MessageType.LEASE, action=LeaseAction.RELEASE)

    def begin(self, plan: bytes, **fields: Any) -> Any:
        wanted = {
            "store": self.board.store.store,
            "size_bytes": len(plan),
            "crc32": zlib.crc32(plan),
        }
        return self.ask(MessageType.PLAN_BEGIN, **{**wanted, **fields})

    def chunk(self, plan: bytes, offset: int, count: int) -> int:
        """Sends one chunk; the offset that the board wants next."""
        data = plan[offset : offset + count]
        return int(self.ask(MessageType.PLAN_CHUNK, offset=offset, data=data).next_offset)

    def upload(self, plan: bytes) -> Any:
        """Uploads what is missing; the answer to PLAN_END."""
        begun = self.begin(plan)
        offset = begun.next_offset
        while offset < len(plan):
            taken = self.chunk(plan, offset, begun.chunk_bytes)
            expect(taken > offset, f"a chunk at the expected offset {offset} was not taken")
            offset = taken
        return self.ask(MessageType.PLAN_END)

    def run(self, iterations: int = 1, **fields: Any) -> Any:
        return self.ask(MessageType.RUN, **run_fields(iterations, **fields))

    def send_input(self, index: int, data: bytes, piece_bytes: int = 48) -> None:
        for offset in range(0, len(data), piece_bytes):
            piece = data[offset : offset + piece_bytes]
            answer = self.ask(MessageType.INPUT, index=index, offset=offset, data=piece)
            expect(
                answer.next_offset == offset + len(piece),
                f"INPUT wants {answer.next_offset} next, not {offset + len(piece)}",
            )

    def read(self, kind: MessageType, offset: int, count: int, **fields: Any) -> bytes:
        """Bytes of an output, or of the arena, in as many parts as it takes."""
        data: bytes = b""
        while len(data) < count:
            at = offset + len(data)
            part = self.ask(kind, offset=at, length=count - len(data), **fields)
            expect(part.offset == at, f"{kind.name} answers offset {part.offset}, not {at}")
            expect(part.data, f"{kind.name} gives nothing at {at}")
            data += part.data
        return data


def run_fields(iterations: int, **fields: Any) -> dict[str, Any]:
    """Of a RUN: seeded and whole, unless told otherwise."""
    seeded = {"input_source": InputSource.SEEDED, "seed": 1, "op_limit": ALL_OPS}
    return {"iterations": iterations, **seeded, **fields}


def _zero(field: Any) -> Any:
    while isinstance(field, (Renamed, Default)):
        field = field.subcon
    if isinstance(field, Bytes):
        return bytes(field.length)
    # Data of variable length is bytes; what else is variable appears in answers alone.
    return 0 if hasattr(field, "fmtstr") else b""
