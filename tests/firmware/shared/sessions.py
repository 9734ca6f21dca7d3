"""What holds for every board's firmware as it ships, over the emulated wire."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from hil.emulators.process import EmulatorProcess
from host.errors import BoardError
from host.links.emulator import EmulatorLink
from host.session import RunResult, Session
from protocol.errors import ErrorCode
from protocol.messages import InputSource, Store
from tests.hil.dialogue import Control
from tests.support.plan_builder import PlanBuilder
from tests.support.sample_plans import sample_plans

SEED = 5
MAX_MACS = 300_000
"""More than any of the sample plans has."""
GUARD_BYTES = 32
"""Two guards of 16 bytes lie around the arena."""


def run(
    session: Session,
    plan: bytes,
    store: Store,
    iterations: int = 2,
    *,
    macs: int = MAX_MACS,
    profile: bool = False,
) -> RunResult:
    """Uploads ``plan``, of at most ``macs``, and runs it on seeded inputs."""
    session.upload(plan, store)
    return session.run(iterations, macs=macs, source=InputSource.SEEDED, seed=SEED, profile=profile)


@contextmanager
def leased(board: EmulatorProcess) -> Iterator[Session]:
    """A session that holds the board."""
    with Session(EmulatorLink(board)) as session:
        session.connect()
        with session.lease():
            yield session


def assert_computed_the_same(found: RunResult, expected: RunResult, where: object = None) -> None:
    """The same inputs gave the same outputs, in every iteration."""
    answers = (found.input_crc32, found.output_crc32, found.unstable_at)
    assert answers == (expected.input_crc32, expected.output_crc32, None), where


def assert_store_has_a_limit(session: Session, store: Store) -> None:
    """A plan of one byte more is refused with its size."""
    capacity = {s.store: s.capacity_bytes for s in session.capabilities.stores}[store]
    with session.lease(), pytest.raises(BoardError) as refusal:
        session.upload(bytes(capacity + 1), store)
    assert refusal.value.code == ErrorCode.STORE_TOO_SMALL
    assert (refusal.value.needed, refusal.value.available) == (capacity + 1, capacity)


def refused_arena(session: Session, store: Store) -> tuple[int, int]:
    """How a plan is refused that needs all of the pool for its arena, guards besides.

    Returns the plan's size and the arena that there is, in bytes.
    """
    b = PlanBuilder()
    tensor = b.tensor((1, session.capabilities.pool_bytes))
    b.inputs, b.outputs = [tensor], [tensor]
    plan = b.build()
    with session.lease(), pytest.raises(BoardError) as refusal:
        session.upload(plan, store)
    assert refusal.value.code == ErrorCode.ARENA_TOO_SMALL
    assert refusal.value.needed == session.capabilities.pool_bytes
    assert refusal.value.available is not None
    return len(plan), refusal.value.available


def assert_plan_survives_a_pin_reset(board: EmulatorProcess, oracle: Session, plan: bytes) -> None:
    """In flash: it is not sent again and computes what it computed."""
    expected = run(oracle, plan, Store.RAM, 1).output_crc32
    link = EmulatorLink(board)
    session = Session(link)
    session.connect()
    with session.lease():
        assert run(session, plan, Store.FLASH, 1).output_crc32 == expected
        with Control(board) as control:
            control.command("pin")
            assert control.next_message() == {"event": "reset", "cause": "pin"}
    with Session(link) as again:
        again.connect()
        assert (again.reset_cause, again.boot_count) == ("pin", 2)
        with again.lease():
            assert again.upload(plan, Store.FLASH).bytes_skipped == len(plan)
            result = again.run(1, macs=MAX_MACS, source=InputSource.SEEDED, seed=SEED)
    assert result.output_crc32 == expected


def assert_requested_reset_is_reported(session: Session) -> None:
    """From a board that has just been started."""
    with session.lease():
        session.reset()
    session.connect()
    assert (session.reset_cause, session.boot_count) == ("software", 2)


def assert_overrun_is_reported(board: EmulatorProcess) -> None:
    """By a build with OVERRUN=1, whose MUL alone writes behind its output."""
    with leased(board) as session:
        assert run(session, sample_plans()["add"], Store.RAM).unstable_at is None
        with pytest.raises(BoardError) as refusal:
            run(session, sample_plans()["mul"], Store.RAM)
    assert refusal.value.code == ErrorCode.ARENA_OVERRUN


def assert_hang_ends_in_a_reset(
    board: EmulatorProcess, store: Store = Store.RAM, macs: int = MAX_MACS
) -> None:
    """By a build with HANG=1, whose MUL never ends."""
    with (
        leased(board) as session,
        pytest.raises(BoardError, match=r"reset in mid-run \(cause watchdog, boot count 1 → 2"),
    ):
        run(session, sample_plans()["mul"], store, macs=macs)
