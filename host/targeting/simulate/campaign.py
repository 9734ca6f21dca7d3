"""Measures a sweep on a board: one session, a plan after another, the cycles of every op."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import attrs

from host.boards.reach import Board
from host.compiler import CompiledPlan
from host.errors import BoardError
from host.measurement.candidates import options_for
from host.measurement.evidence import evidence_of
from host.measurement.inputs import seeded_inputs
from host.measurement.observer import Observer
from host.measurement.placement import largest_arena_bytes
from host.measurement.series import Runner
from host.session import Session
from host.targeting.simulate.samples import Sample
from host.targeting.simulate.sweep import Room, SweepModel, sweep
from protocol.capabilities import Capabilities, Feature, WrittenBy
from protocol.messages import Store

_MACS = 500_000
"""Of the largest model: some seconds on an emulator in all."""
_PLAN_BYTES = 60_000
_MOST_ARENA_BYTES = 150_000
_ARENA_PART = 0.75
"""Of the board's: a sweep asks what ops cost, not how much fits."""


@attrs.frozen
class Campaign:
    """What was measured, and on what."""

    head: dict[str, Any]
    """The board, firmware, clock and evidence, as plain JSON values."""
    samples: list[Sample]


def run_campaign(board: Board, observer: Observer, every: int = 1) -> Campaign:
    """Measures the sweep in every plan store that the board offers.

    Args:
        every: only each so-many-th model, for a quick look.

    Raises:
        BoardError: the board does not count cycles, or refused a plan.
        LinkError, DeadlineExceeded: it cannot be reached.
    """
    bench = _Bench(board)
    with bench:
        capabilities = bench.capabilities
        _require_profile(capabilities)
        work = list(_tasks(capabilities))[::every]
        samples: list[Sample] = []
        for done, (model, store) in enumerate(work):
            observer.runs(done, len(work))
            samples += bench.measure(model, store)
        observer.runs(len(work), len(work))
    return Campaign(_head(capabilities), samples)


def _require_profile(capabilities: Capabilities) -> None:
    if Feature.PROFILE | Feature.CYCLE_COUNTER not in capabilities.features:
        raise BoardError(
            f"{capabilities.board} does not count the cycles of its ops: it cannot be calibrated"
        )


def _tasks(capabilities: Capabilities) -> Iterator[tuple[SweepModel, Store]]:
    """Where the store can matter (there are constants), a model is measured in each."""
    options = options_for(capabilities)
    stores = [Store(entry.store) for entry in capabilities.stores]
    capacity = min(entry.capacity_bytes for entry in capabilities.stores)
    plan_bytes = min(_PLAN_BYTES, capacity)
    in_ram = plan_bytes if Store.RAM in stores else 0
    room = Room(
        arena_bytes=min(
            _MOST_ARENA_BYTES, round(_ARENA_PART * largest_arena_bytes(capabilities, in_ram))
        ),
        plan_bytes=plan_bytes,
        macs=_MACS,
    )
    for model in sweep(options, room):
        reads_plan = any(op.constant_bytes for op in model.plan.ops)
        for store in stores if reads_plan else stores[:1]:
            yield model, store


class _Bench:
    """A board with a session, begun anew where a programmer has to bring each plan."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self._stack = contextlib.ExitStack()
        self._session: Session | None = None

    def __enter__(self) -> _Bench:
        self._stack.enter_context(self._board)
        self._connect()
        return self

    def __exit__(self, *_: object) -> None:
        self._disconnect()
        self._stack.close()

    @property
    def capabilities(self) -> Capabilities:
        assert self._session is not None
        return self._session.capabilities

    def _connect(self) -> None:
        self._session = Session(self._board.open())
        self._session.connect()

    def _disconnect(self) -> None:
        if self._session is not None:
            self._session.close()
            self._session = None

    def measure(self, model: SweepModel, store: Store) -> list[Sample]:
        """The cycles of each op in the second of two runs on end: the first fills caches."""
        plan = model.plan
        offered = self.capabilities.store(store)
        assert offered is not None
        if offered.written_by == WrittenBy.PROGRAMMER:
            name = self.capabilities.board
            self._disconnect()
            self._board.program(name, plan.data)
            self._connect()
        assert self._session is not None
        with self._session.lease():
            self._session.upload(plan.data, store)
            ticks = _profile(self._session, plan)
        plan_bytes = sum(op.constant_bytes for op in plan.ops)
        return [
            Sample(op, cycles, store.name.lower(), plan_bytes)
            for op, cycles in zip(plan.ops, ticks, strict=True)
        ]


def _profile(session: Session, plan: CompiledPlan) -> tuple[int, ...]:
    inputs = seeded_inputs(plan.inputs, seed=1)
    runner = Runner(
        session, macs=plan.macs, inputs=inputs, inputs_overwritten=plan.inputs_overwritten
    )
    result = runner.run(min(2, session.max_batch), profile=True)
    if result.unstable_at is not None:
        raise BoardError("the board gave two outputs for one input: it cannot be calibrated")
    return session.profile()


def _head(capabilities: Capabilities) -> dict[str, Any]:
    evidence = evidence_of(capabilities)
    return {
        "board": capabilities.board,
        "domain": capabilities.domain,
        "core": capabilities.core,
        "clock_hz": capabilities.clock_hz,
        "firmware": capabilities.firmware,
        "build": capabilities.build,
        "engine": capabilities.engine,
        "source": str(evidence.source),
        "fidelity": str(evidence.fidelity),
        "emulator": evidence.emulator,
        "error_band_pct": evidence.error_band_pct,
        "pool_bytes": capabilities.pool_bytes,
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
