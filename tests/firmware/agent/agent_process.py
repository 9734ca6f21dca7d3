"""A pc-agent process and a plain client: requests by name, answers parsed, errors raised."""

from __future__ import annotations

import select
import subprocess
import time
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

from protocol.capabilities import Capabilities
from protocol.errors import ErrorCode
from protocol.framing import Frame, FrameDecoder
from protocol.messages import (
    ALL_OPS,
    ANSWER_BIT,
    ANSWERS,
    ERROR_ANSWER,
    HOLDER_BYTES,
    REQUESTS,
    InputSource,
    LeaseAction,
    MessageType,
    Store,
)
from tests.support.make import BUILD_DIR, ROOT, make

DEADLINE_S = 20.0

VARIANTS: dict[str, str] = {
    # The largest sizes, as on a desktop.
    "": "",
    # Every op is a sign of life.
    "-alive": "-DJSA_ALIVE_INTERVAL_MS=0",
    # What an ATmega328P has room for.
    "-small": "-DJSA_MAX_PAYLOAD_BYTES=96 -DJSA_MAX_BATCH=8 -DJSA_MAX_PROFILE_OPS=4"
    " -DJSA_MAX_SENT_INPUTS=1",
}


class AgentError(Exception):
    """The agent answered ERROR."""

    def __init__(self, answer: Any) -> None:
        self.code = ErrorCode(answer.code)
        self.answer = answer
        super().__init__(f"{self.code.name}: {answer}")


class AgentSilentError(AssertionError):
    """No answer came; the message is what the agent wrote on standard error."""


def build_agent(variant: str = "") -> Path:
    """pc-agent under sanitizers, built if it is out of date."""
    config = (f"AGENT_CONFIG={VARIANTS[variant]}",) if variant else ()
    make(ROOT / "firmware/ports/posix", "SANITIZE=1", f"VARIANT={variant}", *config)
    return BUILD_DIR / "firmware" / f"posix-asan{variant}" / "pc-agent"


def build_test_program(name: str) -> Path:
    """A program of this folder's Makefile, built if it is out of date."""
    make(Path(__file__).parent)
    return BUILD_DIR / "tests" / "agent" / name


class AgentProcess:
    """An agent on its standard streams. Used as a context, it must end without a finding."""

    def __init__(self, program: Path | Sequence[str], *arguments: str) -> None:
        command = [str(program)] if isinstance(program, Path) else program
        self.process = subprocess.Popen(
            [*command, "--stdio", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
        )
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self._to, self._from = self.process.stdin, self.process.stdout
        self._decoder = FrameDecoder()
        self._frames: list[Frame] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._to.close()
        stderr = self.process.stderr.read() if self.process.stderr else b""
        code = self.process.wait(timeout=DEADLINE_S)
        self._from.close()
        if self.process.stderr:
            self.process.stderr.close()
        assert code == 0, stderr.decode(errors="replace")

    def send(self, data: bytes) -> None:
        while data:
            data = data[self._to.write(data) :]

    def receive(self, deadline_s: float = DEADLINE_S) -> Frame:
        """The next frame."""
        ends = time.monotonic() + deadline_s
        while not self._frames:
            ready, _, _ = select.select([self._from], [], [], max(0.0, ends - time.monotonic()))
            data = self._from.read(65536) if ready else b""
            if not data:
                raise AgentSilentError(self._last_words())
            self._frames += self._decoder.feed(data)
            assert self._decoder.dropped == 0
        return self._frames.pop(0)

    def is_silent(self, for_s: float) -> bool:
        ready, _, _ = select.select([self._from], [], [], 0 if self._frames else for_s)
        return not ready and not self._frames

    def _last_words(self) -> str:
        if self.process.poll() is None or self.process.stderr is None:
            return "the agent did not answer"
        return self.process.stderr.read().decode(errors="replace")


class Client:
    """One session with an agent. ``alive`` collects the signs of life it saw."""

    def __init__(self, agent: AgentProcess, session: int = 0x1234) -> None:
        self.agent = agent
        self.session = session
        self.sequence = 0
        self.alive: list[Frame] = []

    def frame(self, kind: MessageType, sequence: int | None = None, **fields: Any) -> Frame:
        if sequence is None:
            self.sequence = (self.sequence + 1) & 0xFFFF
            sequence = self.sequence
        named = {sub.name: 0 for sub in REQUESTS[kind].subcons}
        named |= {name: bytes(3) for name in named if name == "reserved"} if kind in THREE else {}
        payload = REQUESTS[kind].build({**named, **fields})
        return Frame(kind, self.session, sequence, payload)

    def ask(self, kind: MessageType, sequence: int | None = None, **fields: Any) -> Any:
        """Sends a request, returns its parsed answer. Raises AgentError."""
        return self.exchange(self.frame(kind, sequence, **fields))

    def exchange(self, request: Frame) -> Any:
        self.agent.send(request.to_wire())
        return self.answer_to(request)

    def answer_to(self, request: Frame) -> Any:
        while True:
            answer = self.agent.receive()
            assert (answer.session, answer.sequence) == (request.session, request.sequence)
            if answer.type != MessageType.ALIVE:
                break
            self.alive.append(answer)
        if answer.type == MessageType.ERROR:
            raise AgentError(ERROR_ANSWER.parse(answer.payload))
        assert answer.type == request.type | ANSWER_BIT
        return ANSWERS[MessageType(request.type)].parse(answer.payload)

    def hello(self, low: int = 1, high: int = 1) -> Any:
        return self.ask(
            MessageType.HELLO, protocol_min=low, protocol_max=high, session=self.session
        )

    def capabilities(self) -> Capabilities:
        data = b""
        while True:
            page = self.ask(MessageType.CAPABILITIES, offset=len(data))
            data += page.data
            if len(data) >= page.total_bytes:
                return Capabilities.from_bytes(data)

    def take(self, duration_ms: int = 60_000, holder: bytes = b"test") -> Any:
        return self.ask(
            MessageType.LEASE,
            action=LeaseAction.TAKE,
            duration_ms=duration_ms,
            holder=holder.ljust(HOLDER_BYTES, b"\0"),
        )

    def release(self) -> Any:
        return self.ask(MessageType.LEASE, action=LeaseAction.RELEASE, holder=bytes(HOLDER_BYTES))

    def begin(self, plan: bytes, store: Store = Store.RAM, **fields: Any) -> Any:
        wanted = {"store": store, "size_bytes": len(plan), "crc32": zlib.crc32(plan), **fields}
        return self.ask(MessageType.PLAN_BEGIN, **wanted)

    def upload(self, plan: bytes, store: Store = Store.RAM) -> Any:
        """Uploads a chunk at a time; returns the answer to PLAN_END."""
        begun = self.begin(plan, store)
        offset = begun.next_offset
        while offset < len(plan):
            data = plan[offset : offset + begun.chunk_bytes]
            offset = self.ask(MessageType.PLAN_CHUNK, offset=offset, data=data).next_offset
        return self.ask(MessageType.PLAN_END)

    def run(self, iterations: int = 1, seed: int = 1, **fields: Any) -> Any:
        wanted = {"input_source": InputSource.SEEDED, "op_limit": ALL_OPS, **fields}
        return self.ask(MessageType.RUN, iterations=iterations, seed=seed, **wanted)

    def send_input(self, index: int, data: bytes, chunk_bytes: int = 64) -> None:
        for offset in range(0, len(data), chunk_bytes):
            chunk = data[offset : offset + chunk_bytes]
            answer = self.ask(MessageType.INPUT, index=index, offset=offset, data=chunk)
            assert answer.next_offset == offset + len(chunk)

    def output(self, index: int, size_bytes: int) -> bytes:
        data = b""
        while len(data) < size_bytes:
            page = self.ask(
                MessageType.OUTPUT,
                index=index,
                offset=len(data),
                length=min(0xFFFF, size_bytes - len(data)),
            )
            assert page.offset == len(data)
            assert page.data
            data += page.data
        return data

    def arena(self, offset: int, size_bytes: int) -> bytes:
        data = b""
        while len(data) < size_bytes:
            page = self.ask(
                MessageType.ARENA,
                offset=offset + len(data),
                length=min(0xFFFF, size_bytes - len(data)),
            )
            assert page.data
            data += page.data
        return data


THREE = {MessageType.LEASE, MessageType.PLAN_BEGIN, MessageType.INPUT}
"""Requests whose reserved field is three bytes; elsewhere it is an integer."""
