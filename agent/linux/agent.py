"""The session's state machine: who may ask what, and who answers it.

What anybody may ask (HELLO, CAPABILITIES, LEASE, PING) is answered at once, also while a model
runs. The holder's requests are served one after another.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import attrs
from construct import ConstructError, SizeofError

from agent.linux.bridge import Bridge
from agent.linux.lease import Lease
from agent.linux.paging import page
from agent.linux.refusal import Refusal
from agent.linux.service import Service
from agent.linux.transports.base import Send
from protocol.capabilities import Capabilities
from protocol.errors import ErrorCode
from protocol.framing import PROTOCOL_VERSION, Frame
from protocol.messages import (
    ANSWER_BIT,
    CAPABILITIES_ANSWER,
    CAPABILITIES_REQUEST,
    ERROR_ANSWER,
    HELLO_ANSWER,
    HELLO_REQUEST,
    LEASE_ANSWER,
    LEASE_REQUEST,
    PING_ANSWER,
    REQUESTS,
    Domain,
    MessageType,
    ResetCause,
    holder_name,
)
from protocol.mqtt import LeaseNotice

_LOG = logging.getLogger(__name__)
_MOST_WAITING = 64
"""Requests of the holder that may wait; then its link has to."""
_FOR_ANYBODY = frozenset(
    {MessageType.HELLO, MessageType.CAPABILITIES, MessageType.LEASE, MessageType.PING}
)


@attrs.frozen
class _Outcome:
    """The kept answer of a request that must not be done twice."""

    session: int
    sequence: int
    result: bytes | Refusal

    def is_of(self, frame: Frame) -> bool:
        return 0 != self.session == frame.session and self.sequence == frame.sequence

    def again(self) -> bytes:
        if isinstance(self.result, Refusal):
            raise self.result
        return self.result


class Agent:
    """Implements :class:`agent.linux.transports.base.Board`; :meth:`run` must be running."""

    def __init__(
        self,
        capabilities: Capabilities,
        service: Service,
        boot_count: int,
        bridge: Bridge | None = None,
    ) -> None:
        self.capabilities = capabilities
        self._capabilities = capabilities.to_bytes()
        self._service = service
        self._bridge = bridge
        self._lease = Lease()
        self.boot_count = boot_count
        self._reset_cause = ResetCause.POWER_ON if boot_count == 1 else ResetCause.UNKNOWN
        self._started_s = time.monotonic()
        self._waiting: asyncio.Queue[tuple[Frame, Send]] = asyncio.Queue(_MOST_WAITING)
        self._outcomes: dict[int, _Outcome] = {}
        self._epoch = 0

    @property
    def lease(self) -> LeaseNotice | None:
        """Who holds the board now, by the clock on the wall."""
        self._lease.expire()
        if not self._lease.session:
            return None
        until = datetime.now(UTC) + timedelta(milliseconds=self._lease.left_ms)
        return LeaseNotice(holder_name(self._lease.holder), until)

    async def submit(self, frame: Frame, send: Send, *, wait: bool = True) -> None:
        if self._bridge is not None and self._bridge.takes(frame):
            await self._bridge.submit(frame, send)
            return
        # An answer on its way back is a line's echo: to answer it would never end.
        if frame.type & ANSWER_BIT or frame.version != PROTOCOL_VERSION:
            return
        self._lease.expire()
        if frame.type not in REQUESTS or frame.type in _FOR_ANYBODY:
            await self._answer(frame, send, self._serve_anybody)
            return
        try:
            self._lease.check(frame.session)
        except Refusal as refusal:
            await self._refuse(frame, send, refusal)
            return
        if self._waiting.full() and not wait:
            return
        self._lease.begin_work()
        await self._waiting.put((frame, send))

    async def run(self) -> None:
        """Serves the holder's requests until cancelled; then ends what they started."""
        try:
            await self._start()
            while True:
                frame, send = await self._waiting.get()
                try:
                    await self._answer(frame, send, self._serve_holder)
                finally:
                    self._lease.end_work(frame.session)
        finally:
            await self._service.close()

    async def _start(self) -> None:
        """Requests that come meanwhile wait; HELLO and its like do not."""
        try:
            await self._service.start()
        except Exception:  # a bug, which is to be seen, and to keep nobody from sending another
            _LOG.exception("start")

    async def _answer(
        self, frame: Frame, send: Send, serve: Callable[[Frame, Send], Awaitable[bytes]]
    ) -> None:
        try:
            payload = await serve(frame, send)
        except Refusal as refusal:
            await self._refuse(frame, send, refusal)
        except Exception as error:
            _LOG.exception("request 0x%02x", frame.type)
            why = f"a bug in the agent, whose log has more: {type(error).__name__}"
            await self._refuse(frame, send, Refusal(ErrorCode.ENGINE_FAILED, why))
        else:
            kind = frame.type | ANSWER_BIT
            await _send(send, Frame(kind, frame.session, frame.sequence, payload))
            if frame.type == MessageType.RESET:
                await self._service.restart()
        self._lease.renew(frame.session)

    async def _refuse(self, frame: Frame, send: Send, refusal: Refusal) -> None:
        if refusal.args[0] != ErrorCode(refusal.code).name:
            _LOG.warning("%s", refusal)
        payload = ERROR_ANSWER.build(
            {
                "request_type": frame.type,
                "code": refusal.code,
                "index": refusal.index,
                "needed": refusal.needed,
                "available": refusal.available,
                "boot_count": self.boot_count,
                "lease_left_ms": self._lease.left_ms,
                "holder": self._lease.holder,
                "text": refusal.text,
            }
        )
        await _send(send, Frame(MessageType.ERROR, frame.session, frame.sequence, payload))

    async def _serve_anybody(self, frame: Frame, _: Send) -> bytes:
        if frame.type not in REQUESTS:
            raise Refusal(ErrorCode.UNKNOWN_TYPE)
        _check_length(frame)
        match frame.type:
            case MessageType.HELLO:
                return self._hello(frame)
            case MessageType.CAPABILITIES:
                offset = CAPABILITIES_REQUEST.parse(frame.payload).offset
                return page(CAPABILITIES_ANSWER, self._capabilities, offset)
            case MessageType.LEASE:
                return self._change_lease(frame)
        uptime_ms = int((time.monotonic() - self._started_s) * 1000) & 0xFFFFFFFF
        return bytes(PING_ANSWER.build({"boot_count": self.boot_count, "uptime_ms": uptime_ms}))

    def _hello(self, frame: Frame) -> bytes:
        hello = HELLO_REQUEST.parse(frame.payload)
        if hello.session == 0:
            raise Refusal(ErrorCode.BAD_REQUEST)
        if hello.domain == Domain.MCU:  # a bridge would have taken it
            raise Refusal(ErrorCode.UNSUPPORTED)
        if not hello.protocol_min <= PROTOCOL_VERSION <= hello.protocol_max:
            raise Refusal(ErrorCode.UNSUPPORTED_VERSION)
        return bytes(
            HELLO_ANSWER.build(
                {
                    "protocol": PROTOCOL_VERSION,
                    "reset_cause": self._reset_cause,
                    "capabilities_bytes": len(self._capabilities),
                    "session": hello.session,
                    "boot_count": self.boot_count,
                    "lease_left_ms": self._lease.left_ms,
                    "holder": self._lease.holder,
                }
            )
        )

    def _change_lease(self, frame: Frame) -> bytes:
        def change() -> bytes:
            wanted = LEASE_REQUEST.parse(frame.payload)
            self._lease.change(frame.session, wanted.action, wanted.duration_ms, wanted.holder)
            return b""

        self._done_once(frame, change)
        held = self._lease.session == frame.session
        granted_ms = self._lease.duration_ms if held else 0
        return bytes(LEASE_ANSWER.build({"duration_ms": granted_ms, "boot_count": self.boot_count}))

    def _done_once(self, frame: Frame, do: Callable[[], bytes]) -> bytes:
        """What ``do`` gave or raised, kept for a repetition of the request."""
        kept = self._outcomes.get(frame.type)
        if kept is not None and kept.is_of(frame):
            return kept.again()
        result: bytes | Refusal
        try:
            result = do()
        except Refusal as refusal:
            result = refusal
        self._outcomes[frame.type] = _Outcome(frame.session, frame.sequence, result)
        return self._outcomes[frame.type].again()

    async def _serve_holder(self, frame: Frame, send: Send) -> bytes:
        async def alive(payload: bytes) -> None:
            await _send(send, Frame(MessageType.ALIVE, frame.session, frame.sequence, payload))

        # Again: the lease may have been released while the request waited.
        self._lease.check(frame.session)
        _check_length(frame)
        if self._epoch != self._lease.epoch:
            self._epoch = self._lease.epoch
            await self._service.forget_inputs()
        if frame.type == MessageType.RESET:
            self._forget_everything()
            return b""
        kept = self._outcomes.get(frame.type)
        if kept is not None and kept.is_of(frame):
            return kept.again()
        result: bytes | Refusal
        try:
            result = await self._service.serve(MessageType(frame.type), frame.payload, alive)
        except ConstructError:
            result = Refusal(ErrorCode.BAD_REQUEST)
        except Refusal as refusal:
            result = refusal
        outcome = _Outcome(frame.session, frame.sequence, result)
        if frame.type == MessageType.RUN:
            self._outcomes[frame.type] = outcome
        return outcome.again()

    def _forget_everything(self) -> None:
        """As a restart does; the models' processes end once it is answered."""
        self._lease.drop()
        self._outcomes.clear()
        self.boot_count += 1
        self._reset_cause = ResetCause.SOFTWARE
        self._started_s = time.monotonic()


def _check_length(frame: Frame) -> None:
    """Raises Refusal where the payload is shorter or longer than its type says."""
    struct = REQUESTS[MessageType(frame.type)]
    try:
        least, exact = struct.sizeof(), frame.type != MessageType.HELLO
    except SizeofError:  # data of variable length comes last
        least, exact = sum(field.sizeof() for field in struct.subcons[:-1]), False
    if len(frame.payload) < least or (exact and len(frame.payload) != least):
        raise Refusal(ErrorCode.BAD_REQUEST)


async def _send(send: Send, frame: Frame) -> None:
    """Whoever has gone meanwhile does not get it."""
    with contextlib.suppress(OSError):
        await send(frame)
