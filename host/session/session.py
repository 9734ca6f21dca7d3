"""A session with one board: handshake, lease, upload, run, read back."""

from __future__ import annotations

import contextlib
import getpass
import secrets
import socket
import time
import zlib
from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from host.errors import BoardError, JumpstationError
from host.links.base import Link
from host.session.deadline import Deadline
from host.session.exchange import AliveObserver, Exchange, TrafficCounters
from host.session.refusals import reset_cause_name
from host.session.upload import ProgressObserver, send_chunks
from protocol.capabilities import Capabilities
from protocol.errors import ErrorCode
from protocol.framing import PROTOCOL_VERSION
from protocol.messages import (
    ALL_OPS,
    HOLDER_BYTES,
    INPUT_REQUEST,
    NO_INDEX,
    OUTPUT_ANSWER,
    RUN_ANSWER,
    InputSource,
    LeaseAction,
    MessageType,
    RunFlag,
    Store,
)

_ANSWER_S = 4.0
"""For an answer that costs the board no work."""
_CONNECT_S = 8.0
_LEASE_MS = 60_000
_RELEASE_S = 2.0
_LOAD_S = 5.0
_MIN_RUN_S = 2.0
_ATTEMPTS = 5
"""How often a run whose time is not known yet is asked for before its deadline."""
_SECTOR_BYTES = 4096
_SECTOR_ERASE_S = 0.4
"""Longest erase of a sector of serial NOR flash (W25Q16JV data sheet, tSE)."""
_EMULATION_SLOWDOWN = 5.0
"""How much slower than the board an emulator runs on a common desktop."""
_EMULATION_PATIENCE = 20.0
"""How much slower before it is taken for hung."""
_EMULATION_ROUND_TRIP_S = 1.0
_FIXED_RUN_ANSWER_BYTES = len(
    RUN_ANSWER.build(
        {
            "iterations": 0,
            "unstable_at": 0,
            "input_crc32": 0,
            "output_crc32": 0,
            "arena_high_water_bytes": 0,
            "stack_high_water_bytes": 0,
            "ticks": [],
        }
    )
)
_TICKS_BYTES = 8
_INPUT_HEAD_BYTES = len(INPUT_REQUEST.build({"index": 0, "offset": 0, "data": b""}))
_OUTPUT_HEAD_BYTES = len(OUTPUT_ANSWER.build({"offset": 0, "data": b""}))


@attrs.frozen
class LoadedPlan:
    """What the board said of a plan it accepted, and how long the upload took."""

    arena_bytes: int
    arena_available_bytes: int
    op_count: int
    tensor_count: int
    upload_s: float
    bytes_skipped: int
    """Bytes the board had already: all of them when nothing was sent."""


@attrs.frozen
class RunResult:
    """One batch of iterations. ``ticks`` has one entry each; counters are 0 where unknown."""

    ticks: tuple[int, ...]
    input_crc32: int
    output_crc32: int
    unstable_at: int | None
    arena_high_water_bytes: int
    stack_high_water_bytes: int


class Session:
    """Requests to the board on ``link``. Use as a context manager: it frees lease and link.

    Every method raises BoardError (the board refused, or reset), DeadlineExceeded (it did
    not answer) or LinkError (the link failed).
    """

    def __init__(self, link: Link) -> None:
        self._exchange = Exchange(link)
        self._id = secrets.randbelow(0xFFFFFFFF) + 1
        self._leased = False
        self._patience = 1.0
        self._slowdown = 1.0
        self._run_s_per_iteration: float | None = None
        self.link = link
        self.capabilities = Capabilities()
        self.boot_count = 0
        self.reset_cause = ""

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def traffic(self) -> TrafficCounters:
        """Counters of bytes and retransmissions so far."""
        return self._exchange.traffic

    @property
    def max_batch(self) -> int:
        """Iterations that one run request may ask for here."""
        room = (self.capabilities.max_payload_bytes - _FIXED_RUN_ANSWER_BYTES) // _TICKS_BYTES
        return max(1, min(self.capabilities.max_batch, room))

    def connect(self) -> Capabilities:
        """Greets the board and asks what it offers."""
        if self.link.transport == "emulator":
            self._be_patient()
        answer = self._hello(Deadline(_CONNECT_S * self._patience))
        self.boot_count = answer.boot_count
        self.reset_cause = reset_cause_name(answer.reset_cause)
        self._exchange.session = self._id
        data = bytearray()
        while len(data) < answer.capabilities_bytes:
            page = self._call(
                MessageType.CAPABILITIES, {"offset": len(data)}, "the board's capabilities"
            )
            if page.offset != len(data) or not page.data:
                raise BoardError("the board's list of capabilities is malformed")
            data += page.data
        self.capabilities = Capabilities.from_bytes(bytes(data))
        if self.capabilities.emulator:
            self._be_patient()
        return self.capabilities

    @contextlib.contextmanager
    def lease(self) -> Iterator[None]:
        """Holds the board for this session; every request renews it."""
        self._lease(LeaseAction.TAKE, Deadline(_ANSWER_S * self._patience))
        self._leased = True
        try:
            yield
        finally:
            self._release()

    def upload(
        self, plan: bytes, store: Store, observer: ProgressObserver | None = None
    ) -> LoadedPlan:
        """Puts ``plan`` into ``store`` and has the board check it; sends only what it lacks."""
        started = time.monotonic()
        sectors = -(-len(plan) // _SECTOR_BYTES) if store == Store.FLASH else 0
        erase_s = sectors * _SECTOR_ERASE_S
        begin = self._call(
            MessageType.PLAN_BEGIN,
            {"store": store, "size_bytes": len(plan), "crc32": zlib.crc32(plan)},
            "the start of the upload",
            limit_s=_ANSWER_S + erase_s,
            retry_s=(1.0 + erase_s / 4) * self._slowdown if sectors else None,
            stage="upload",
        )
        with self._diagnosed("upload"):
            send_chunks(
                self._exchange,
                plan,
                start=begin.next_offset,
                window=max(1, begin.window),
                chunk_bytes=begin.chunk_bytes,
                patience=self._patience,
                observer=observer,
            )
        end = self._call(
            MessageType.PLAN_END,
            {},
            "the check of the plan",
            limit_s=_LOAD_S,
            retry_s=self._slowdown,
            stage="upload",
        )
        return LoadedPlan(
            arena_bytes=end.arena_bytes,
            arena_available_bytes=end.arena_available_bytes,
            op_count=end.op_count,
            tensor_count=end.tensor_count,
            upload_s=time.monotonic() - started,
            bytes_skipped=begin.next_offset,
        )

    def send_input(self, index: int, data: bytes) -> None:
        """Sends the whole of one input, in as many pieces as it takes."""
        piece_bytes = self.capabilities.max_payload_bytes - _INPUT_HEAD_BYTES
        offset = 0
        while offset < len(data):
            answer = self._call(
                MessageType.INPUT,
                {"index": index, "offset": offset, "data": data[offset : offset + piece_bytes]},
                f"input {index}",
            )
            if answer.next_offset <= offset:
                raise BoardError(f"the board took nothing of input {index} at byte {offset}")
            offset = answer.next_offset

    def run(
        self,
        iterations: int,
        *,
        macs: int,
        source: InputSource,
        seed: int = 0,
        profile: bool = False,
        op_limit: int = ALL_OPS,
        on_alive: AliveObserver | None = None,
    ) -> RunResult:
        """Runs the loaded plan ``iterations`` (at most ``max_batch``) times.

        The first deadline follows from ``macs`` and the board's offered worst case, later
        ones from how long the run before took.
        """
        worst_s = iterations * macs * self.capabilities.max_ns_per_mac * 1e-9
        limit_s = max(_MIN_RUN_S, worst_s)
        retry_s = limit_s * self._patience / _ATTEMPTS
        if self._run_s_per_iteration is not None:
            # By the host's clock, so an emulator's slowness is in it already.
            expected_s = iterations * self._run_s_per_iteration
            retry_s = self._exchange.round_trip.timeout_s() + 2 * expected_s
            limit_s = _MIN_RUN_S + 10 * expected_s / self._patience
        started = time.monotonic()
        answer = self._call(
            MessageType.RUN,
            {
                "iterations": iterations,
                "flags": RunFlag.PROFILE if profile else 0,
                "input_source": source,
                "seed": seed,
                "op_limit": op_limit,
            },
            f"{iterations} run{'s' if iterations > 1 else ''}",
            limit_s=limit_s,
            retry_s=retry_s,
            alive_s=max(_MIN_RUN_S, worst_s),
            on_alive=on_alive,
            stage="run",
        )
        if answer.iterations != iterations or len(answer.ticks) != iterations:
            raise BoardError(
                f"the board was asked for {iterations} iterations and reported {answer.iterations} "
                f"with {len(answer.ticks)} times"
            )
        self._run_s_per_iteration = (time.monotonic() - started) / iterations
        return RunResult(
            ticks=tuple(answer.ticks),
            input_crc32=answer.input_crc32,
            output_crc32=answer.output_crc32,
            unstable_at=None if answer.unstable_at == NO_INDEX else answer.unstable_at,
            arena_high_water_bytes=answer.arena_high_water_bytes,
            stack_high_water_bytes=answer.stack_high_water_bytes,
        )

    def profile(self) -> tuple[int, ...]:
        """Ticks of each op in the last run that was profiled."""
        ticks: list[int] = []
        while True:
            page = self._call(
                MessageType.PROFILE, {"first_op": len(ticks)}, "the profile", stage="run"
            )
            ticks += page.ticks
            if len(ticks) >= page.op_count:
                return tuple(ticks)
            if not page.ticks:
                raise BoardError(f"the profile ends at op {len(ticks)} of {page.op_count}")

    def read_output(self, index: int, size_bytes: int) -> bytes:
        """The bytes of an output after a run."""
        return self._read(MessageType.OUTPUT, {"index": index}, 0, size_bytes, f"output {index}")

    def read_arena(self, offset: int, size_bytes: int) -> bytes:
        """Bytes of the arena: an inner tensor, after a run with ``op_limit``."""
        return self._read(MessageType.ARENA, {}, offset, size_bytes, "the arena")

    def ping(self) -> int:
        """Milliseconds since the board started."""
        return int(self._call(MessageType.PING, {}, "a ping").uptime_ms)

    def reset(self) -> None:
        """Restarts the board; the session ends with it."""
        self._call(MessageType.RESET, {}, "the reset")
        self._leased = False

    def close(self) -> None:
        """Releases the lease and closes the link."""
        try:
            self._release()
        finally:
            self.link.close()

    def _be_patient(self) -> None:
        self._patience = _EMULATION_PATIENCE
        self._slowdown = _EMULATION_SLOWDOWN
        self._exchange.round_trip.min_s = _EMULATION_ROUND_TRIP_S

    def _release(self) -> None:
        if not self._leased:
            return
        self._leased = False
        # Best effort: the lease runs out by itself, and a dead link is reported elsewhere.
        with contextlib.suppress(JumpstationError):
            self._lease(LeaseAction.RELEASE, Deadline(_RELEASE_S))

    def _lease(self, action: LeaseAction, deadline: Deadline) -> None:
        self._exchange.call(
            MessageType.LEASE,
            {"action": action, "duration_ms": _LEASE_MS, "holder": _holder()},
            deadline=deadline,
            awaiting="the lease",
        )

    def _hello(self, deadline: Deadline) -> Any:
        self._exchange.session = 0
        while True:
            answer = self._exchange.call(
                MessageType.HELLO,
                {
                    "protocol_min": PROTOCOL_VERSION,
                    "protocol_max": PROTOCOL_VERSION,
                    "session": self._id,
                },
                deadline=deadline,
                awaiting="the greeting (HELLO)",
            )
            if answer.session == self._id:  # else an answer to someone before us
                return answer

    def _read(
        self, kind: MessageType, fields: Mapping[str, object], offset: int, size: int, what: str
    ) -> bytes:
        room = self.capabilities.max_payload_bytes - _OUTPUT_HEAD_BYTES
        data = bytearray()
        while len(data) < size:
            at = offset + len(data)
            page = self._call(
                kind, {**fields, "offset": at, "length": min(room, size - len(data))}, what
            )
            if page.offset != at or not page.data:
                raise BoardError(f"the board sent {len(data)} of {size} bytes of {what}")
            data += page.data
        return bytes(data[:size])

    def _call(
        self,
        kind: MessageType,
        fields: Mapping[str, object],
        awaiting: str,
        *,
        limit_s: float = _ANSWER_S,
        retry_s: float | None = None,
        alive_s: float = 0.0,
        on_alive: AliveObserver | None = None,
        stage: str = "session",
    ) -> Any:
        """A request within ``limit_s`` of the board's own time; ``retry_s`` is by our clock."""
        with self._diagnosed(stage):
            return self._exchange.call(
                kind,
                fields,
                deadline=Deadline(limit_s * self._patience),
                awaiting=awaiting,
                retry_s=retry_s,
                alive_s=alive_s * self._patience,
                on_alive=on_alive,
            )

    @contextlib.contextmanager
    def _diagnosed(self, stage: str) -> Iterator[None]:
        """Says that the board reset where that is why it no longer knows this session."""
        try:
            yield
        except BoardError as error:
            if error.code != ErrorCode.NO_SESSION or not self._leased:
                raise
            self._leased = False
            hello = self._hello(Deadline(_CONNECT_S * self._patience))
            if hello.boot_count == self.boot_count:
                raise
            raise BoardError(
                f"the board reset in mid-{stage} (cause {reset_cause_name(hello.reset_cause)}, "
                f"boot count {self.boot_count} → {hello.boot_count})",
                code=error.code,
                hint="check the board's power supply; "
                "a watchdog reset means that the firmware or a kernel hung",
            ) from error


def _holder() -> bytes:
    """``user@host`` as a board shows it to others, cut to what fits."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # no such user in the password database
        user = "host"
    return f"{user}@{socket.gethostname()}".encode()[:HOLDER_BYTES].ljust(HOLDER_BYTES, b"\0")
