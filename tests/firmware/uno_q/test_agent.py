"""The firmware as it ships, over the emulated wire; the posix agent is the oracle."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from hil.emulators.process import EmulatorProcess
from host.errors import BoardError
from host.links.emulator import EmulatorLink
from host.links.tcp import TcpLink
from host.session import RunResult, Session
from protocol.capabilities import Feature
from protocol.errors import ErrorCode
from protocol.messages import InputSource, Store
from tests.firmware.uno_q.images import Image, built
from tests.support.pc_agent import running_agent
from tests.support.plan_builder import PlanBuilder
from tests.support.sample_plans import sample_plans

RAM_BYTES = 768 * 1024
BESIDES_POOL_BYTES = 12 * 1024
GUARD_BYTES = 32
SEED = 5
MAX_MACS = 300_000


def run(session: Session, plan: bytes, iterations: int = 2, *, profile: bool = False) -> RunResult:
    session.upload(plan, Store.RAM)
    return session.run(
        iterations, macs=MAX_MACS, source=InputSource.SEEDED, seed=SEED, profile=profile
    )


@pytest.fixture
def board(agent_image: Image, start: Callable[[Image], EmulatorProcess]) -> EmulatorProcess:
    return start(agent_image)


@pytest.fixture
def session(board: EmulatorProcess) -> Iterator[Session]:
    with Session(EmulatorLink(board)) as session:
        session.connect()
        yield session


@pytest.fixture(scope="module")
def oracle() -> Iterator[Session]:
    with running_agent() as port, Session(TcpLink("127.0.0.1", int(port))) as session:
        session.connect()
        with session.lease():
            yield session


def test_says_what_it_is(session: Session) -> None:
    offered = session.capabilities
    assert (offered.board, offered.domain, offered.core) == ("uno_q", "mcu", "cortex-m33")
    assert offered.clock_hz == offered.tick_hz == 160_000_000
    assert offered.emulator.split()[0] == "qemu-system-arm"
    assert offered.emulator.endswith("mps2-an505")
    wanted = Feature.CYCLE_COUNTER | Feature.STACK_HIGH_WATER | Feature.RESET
    wanted |= Feature.WATCHDOG_HARDWARE
    assert offered.features & wanted == wanted
    assert len(bytes.fromhex(offered.uid)) == 8
    (store,) = offered.stores
    assert store.store == Store.RAM
    assert offered.pool_bytes - 256 <= store.capacity_bytes < offered.pool_bytes
    assert RAM_BYTES - BESIDES_POOL_BYTES <= offered.pool_bytes < RAM_BYTES
    assert (session.reset_cause, session.boot_count) == ("power-on", 1)


def test_every_op_computes_what_it_computes_on_a_pc(session: Session, oracle: Session) -> None:
    with session.lease():
        for name, plan in sample_plans().items():
            expected, result = run(oracle, plan), run(session, plan)
            found = (result.input_crc32, result.output_crc32, result.unstable_at)
            assert found == (expected.input_crc32, expected.output_crc32, None), name
            assert 200 < result.stack_high_water_bytes < session.capabilities.stack_bytes // 2
            assert len(set(result.ticks)) == 1, (name, result.ticks)
            # A cycle an instruction at least; no code here is loads or divisions alone.
            assert result.instructions < result.ticks[0] < 2 * result.instructions


def test_a_profile_comes_over_the_wire_and_adds_up(session: Session) -> None:
    with session.lease():
        result = run(session, sample_plans()["conv_padded"], 1, profile=True)
        ops = session.profile()
    assert all(ticks > 0 for ticks in ops)
    assert sum(ops) == pytest.approx(result.ticks[0], rel=0.05)


def test_a_plan_beyond_the_store_is_refused_with_its_size(session: Session) -> None:
    capacity = session.capabilities.stores[0].capacity_bytes
    with session.lease(), pytest.raises(BoardError) as refusal:
        session.upload(bytes(capacity + 1), Store.RAM)
    assert refusal.value.code == ErrorCode.STORE_TOO_SMALL
    assert (refusal.value.needed, refusal.value.available) == (capacity + 1, capacity)


def test_an_arena_beyond_the_pool_is_refused_with_its_size(session: Session) -> None:
    b = PlanBuilder()
    tensor = b.tensor((1, session.capabilities.pool_bytes))
    b.inputs, b.outputs = [tensor], [tensor]
    plan = b.build()
    with session.lease(), pytest.raises(BoardError) as refusal:
        session.upload(plan, Store.RAM)
    assert refusal.value.code == ErrorCode.ARENA_TOO_SMALL
    assert refusal.value.needed == session.capabilities.pool_bytes
    assert refusal.value.available is not None
    left = session.capabilities.pool_bytes - len(plan) - GUARD_BYTES
    assert left - 16 < refusal.value.available <= left


def test_a_requested_reset_is_reported_as_such(session: Session) -> None:
    with session.lease():
        session.reset()
    session.connect()
    assert (session.reset_cause, session.boot_count) == ("software", 2)


def test_an_overrun_of_the_arena_is_reported(start: Callable[[Image], EmulatorProcess]) -> None:
    board = start(built("uno_q-an505", "overrun", "OVERRUN=1"))
    with Session(EmulatorLink(board)) as session:
        session.connect()
        with session.lease():
            assert run(session, sample_plans()["add"]).unstable_at is None
            with pytest.raises(BoardError) as refusal:
                run(session, sample_plans()["mul"])
    assert refusal.value.code == ErrorCode.ARENA_OVERRUN


@pytest.mark.slow
def test_a_kernel_that_hangs_ends_in_a_watchdog_reset(
    start: Callable[[Image], EmulatorProcess],
) -> None:
    board = start(built("uno_q-an505", "hang", "HANG=1"))
    with Session(EmulatorLink(board)) as session:
        session.connect()
        with (
            session.lease(),
            pytest.raises(BoardError, match=r"reset in mid-run \(cause watchdog, boot count 1 → 2"),
        ):
            run(session, sample_plans()["mul"])
