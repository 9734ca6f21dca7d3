"""What one does with a board once it is held: upload a plan, run it, read back."""

from __future__ import annotations

import time
import zlib
from collections.abc import Mapping
from typing import Any

import attrs

from host.errors import BoardError
from host.links.base import Link
from host.session.connection import ANSWER_S, Connection
from host.session.exchange import AliveObserver
from host.session.upload import ProgressObserver, send_chunks
from protocol.errors import ErrorCode
from protocol.messages import (
    ALL_OPS,
    INPUT_REQUEST,
    NO_INDEX,
    OUTPUT_ANSWER,
    RUN_ANSWER,
    InputSource,
    MessageType,
    RunFlag,
    Store,
)

_LOAD_S = 5.0
_MIN_RUN_S = 2.0
_ATTEMPTS = 5
"""How often a run whose time is not known yet is asked for before its deadline."""
_SECTOR_BYTES = 4096
_SECTOR_ERASE_S = 0.4
"""Longest erase of a sector of serial NOR flash (W25Q16JV data sheet, tSE)."""
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
    """One batch of iterations. ``ticks`` has one entry each; counters are 0 where unknown.

    ``instructions`` are the last iteration's.
    """

    ticks: tuple[int, ...]
    input_crc32: int
    output_crc32: int
    unstable_at: int | None
    arena_high_water_bytes: int
    stack_high_water_bytes: int
    instructions: int = 0


class Session(Connection):
    """The requests that need a lease; errors as those of a Connection."""

    def __init__(self, link: Link, session: int | None = None) -> None:
        super().__init__(link, session)
        self._run_s_per_iteration: float | None = None

    @property
    def max_batch(self) -> int:
        """Iterations that one run request may ask for here."""
        room = (self.capabilities.max_payload_bytes - _FIXED_RUN_ANSWER_BYTES) // _TICKS_BYTES
        return max(1, min(self.capabilities.max_batch, room))

    def holds(self, plan: bytes, store: Store) -> bool:
        """Whether ``store`` has exactly ``plan``, where a programmer alone could put it there."""
        try:
            return bool(self._begin_upload(plan, store).next_offset == len(plan))
        except BoardError as error:
            if error.code != ErrorCode.STORE_READ_ONLY:
                raise
            return False

    def upload(
        self, plan: bytes, store: Store, observer: ProgressObserver | None = None
    ) -> LoadedPlan:
        """Puts ``plan`` into ``store`` and has the board check it; sends only what it lacks."""
        started = time.monotonic()
        begin = self._begin_upload(plan, store)
        self.send_chunks(plan, begin, MessageType.PLAN_CHUNK, observer)
        end = self.call(
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

    def send_chunks(
        self, data: bytes, begin: Any, kind: MessageType, observer: ProgressObserver | None
    ) -> None:
        """Sends what ``begin``, the answer that opened the upload, says is missing."""
        with self.diagnosed("upload"):
            send_chunks(
                self._exchange,
                data,
                start=begin.next_offset,
                window=max(1, begin.window),
                chunk_bytes=begin.chunk_bytes,
                patience=self._patience,
                kind=kind,
                observer=observer,
            )

    def _begin_upload(self, plan: bytes, store: Store) -> Any:
        """The board's answer to PLAN_BEGIN."""
        sectors = -(-len(plan) // _SECTOR_BYTES) if store == Store.FLASH else 0
        erase_s = sectors * _SECTOR_ERASE_S
        return self.call(
            MessageType.PLAN_BEGIN,
            {"store": store, "size_bytes": len(plan), "crc32": zlib.crc32(plan)},
            "the start of the upload",
            limit_s=ANSWER_S + erase_s,
            retry_s=(1.0 + erase_s / 4) * self._slowdown if sectors else None,
            stage="upload",
        )

    def send_input(self, index: int, data: bytes) -> None:
        """Sends the whole of one input, in as many pieces as it takes."""
        piece_bytes = self.capabilities.max_payload_bytes - _INPUT_HEAD_BYTES
        offset = 0
        while offset < len(data):
            answer = self.call(
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
        answer = self.call(
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
        if op_limit == ALL_OPS:  # a part's time tells nothing of a longer part's
            self._run_s_per_iteration = (time.monotonic() - started) / iterations
        return RunResult(
            ticks=tuple(answer.ticks),
            input_crc32=answer.input_crc32,
            output_crc32=answer.output_crc32,
            unstable_at=None if answer.unstable_at == NO_INDEX else answer.unstable_at,
            arena_high_water_bytes=answer.arena_high_water_bytes,
            stack_high_water_bytes=answer.stack_high_water_bytes,
            instructions=answer.instructions,
        )

    def profile(self) -> tuple[int, ...]:
        """Ticks of each op in the last run that was profiled."""
        ticks: list[int] = []
        while True:
            page = self.call(
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

    def _read(
        self, kind: MessageType, fields: Mapping[str, object], offset: int, size: int, what: str
    ) -> bytes:
        room = self.capabilities.max_payload_bytes - _OUTPUT_HEAD_BYTES
        data = bytearray()
        while len(data) < size:
            at = offset + len(data)
            page = self.call(
                kind, {**fields, "offset": at, "length": min(room, size - len(data))}, what
            )
            if page.offset != at or not page.data:
                raise BoardError(f"the board sent {len(data)} of {size} bytes of {what}")
            data += page.data
        return bytes(data[:size])
