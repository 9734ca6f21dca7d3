"""Our C runtime: the firmware's posix build as a process, to which requests are passed.

It keeps the store, the arena and all of a plan's semantics; this side keeps its lease, under a
session of its own.
"""

from __future__ import annotations

import asyncio
import zlib
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from agent.linux.engines import process
from agent.linux.engines.loaded import Alive
from agent.linux.refusal import Refusal
from protocol.capabilities import Capabilities
from protocol.errors import ErrorCode
from protocol.framing import Frame, FrameDecoder
from protocol.messages import (
    ANSWERS,
    ERROR_ANSWER,
    HOLDER_BYTES,
    REQUESTS,
    LeaseAction,
    MessageType,
    Store,
)

_SESSION = 1
_LEASE_MS = 600_000
_READ_BYTES = 65536


async def _unheard(_: bytes) -> None:
    """For requests that nobody outside waits for."""


class PlanProcess:
    """Implements :class:`LoadedModel` for plans, and takes their uploads.

    Started at the first request, and again where it ended. ``has_plan``: a PLAN_END was done,
    and no PLAN_BEGIN since; without a plan the process itself answers NO_PLAN.
    """

    threads = 1

    def __init__(
        self, program: Path, *, cpus: Sequence[int], hang_s: float, pool_bytes: int | None
    ) -> None:
        self.cpus = tuple(cpus[:1])
        self.capabilities = Capabilities()
        self._command = [str(program), "--stdio"]
        if pool_bytes is not None:
            self._command += ["--pool-bytes", str(pool_bytes)]
        self._hang_s = hang_s
        self._process: asyncio.subprocess.Process | None = None
        self._decoder = FrameDecoder()
        self._arrived: deque[Frame] = deque()
        self._sequence = 0
        self.has_plan = False

    async def start(self) -> None:
        """Starts it and asks what it offers.

        Raises:
            Refusal: ENGINE_FAILED.
        """
        if self._process is not None and self._process.returncode is None:
            return
        self.has_plan = False
        try:
            self._process = await process.start(self._command, self.cpus)
        except OSError as error:
            raise Refusal(ErrorCode.ENGINE_FAILED, str(error)) from error
        self._decoder = FrameDecoder()
        self._arrived.clear()
        data = b""
        while True:
            page = await self._ask(MessageType.CAPABILITIES, {"offset": len(data)})
            data += page.data
            if len(data) >= page.total_bytes:
                break
        self.capabilities = Capabilities.from_bytes(data)
        await self._lease(LeaseAction.TAKE)

    @property
    def engine(self) -> str:
        return self.capabilities.engine

    @property
    def pid(self) -> int | None:
        running = self._process is not None and self._process.returncode is None
        return self._process.pid if self._process is not None and running else None

    async def serve(self, kind: MessageType, payload: bytes, alive: Alive) -> bytes:
        if kind == MessageType.PLAN_BEGIN:
            self.has_plan = False
        if self.has_plan and self._process is not None and self.pid is None:
            self.has_plan = False
            how = process.ending(self._process)
            raise Refusal(ErrorCode.ENGINE_FAILED, f"{self.engine} {how} between requests")
        await self.start()
        try:
            answer = await self._exchange(kind, payload, alive)
        except Refusal as refusal:
            if refusal.code != ErrorCode.NO_SESSION:
                raise
            # Nobody had asked for longer than a lease lasts.
            await self._lease(LeaseAction.TAKE)
            answer = await self._exchange(kind, payload, alive)
        if kind == MessageType.PLAN_END:
            self.has_plan = True
        return answer

    async def upload(self, path: Path, alive: Alive) -> bytes:
        """Loads the plan in a file; returns the payload of PLAN_END's answer."""
        plan = path.read_bytes()
        announced = {"store": Store.RAM, "size_bytes": len(plan), "crc32": zlib.crc32(plan)}
        payload = REQUESTS[MessageType.PLAN_BEGIN].build(announced)
        begun = ANSWERS[MessageType.PLAN_BEGIN].parse(
            await self.serve(MessageType.PLAN_BEGIN, payload, alive)
        )
        for offset in range(begun.next_offset, len(plan), begun.chunk_bytes):
            chunk = {"offset": offset, "data": plan[offset : offset + begun.chunk_bytes]}
            payload = REQUESTS[MessageType.PLAN_CHUNK].build(chunk)
            await self.serve(MessageType.PLAN_CHUNK, payload, alive)
        return await self.serve(MessageType.PLAN_END, b"", alive)

    async def forget_inputs(self) -> None:
        if self.pid is not None:
            await self._lease(LeaseAction.RELEASE)
            await self._lease(LeaseAction.TAKE)

    async def close(self) -> None:
        if self._process is not None:
            await process.stop(self._process)
            self._process = None
            self.has_plan = False

    async def _lease(self, action: LeaseAction) -> None:
        fields = {"action": action, "duration_ms": _LEASE_MS, "holder": bytes(HOLDER_BYTES)}
        try:
            await self._ask(MessageType.LEASE, fields)
        except Refusal as refusal:
            if refusal.code != ErrorCode.NO_SESSION:  # released what had run out already
                raise

    async def _ask(self, kind: MessageType, fields: Mapping[str, object]) -> Any:
        payload = REQUESTS[kind].build(dict(fields))
        return ANSWERS[kind].parse(await self._exchange(kind, payload, _unheard))

    async def _exchange(self, kind: MessageType, payload: bytes, alive: Alive) -> bytes:
        """Raises Refusal with what the process refused, or ENGINE_FAILED where it failed."""
        running = self._process
        assert running is not None
        assert running.stdin is not None
        self._sequence = self._sequence % 0xFFFF + 1
        try:
            running.stdin.write(Frame(kind, _SESSION, self._sequence, payload).to_wire())
            await running.stdin.drain()
            while True:
                async with asyncio.timeout(self._hang_s):
                    frame = await self._receive(running)
                if frame.type == MessageType.ALIVE:
                    await alive(frame.payload)
                elif frame.sequence == self._sequence:
                    break
        except (OSError, EOFError, TimeoutError) as error:
            self.has_plan = False
            how = await process.end_failed(running, error, self._hang_s)
            raise Refusal(ErrorCode.ENGINE_FAILED, f"{self.engine} {how}") from error
        if frame.type != MessageType.ERROR:
            return frame.payload
        refused = ERROR_ANSWER.parse(frame.payload)
        raise Refusal(
            refused.code,
            refused.text.decode(errors="replace"),
            index=refused.index,
            needed=refused.needed,
            available=refused.available,
        )

    async def _receive(self, running: asyncio.subprocess.Process) -> Frame:
        assert running.stdout is not None
        while not self._arrived:
            data = await running.stdout.read(_READ_BYTES)
            if not data:
                raise EOFError
            self._arrived += self._decoder.feed(data)
        return self._arrived.popleft()
