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
from tests.firmware.esp32.qemu.machines import Image, Machine, built
from tests.hil.dialogue import Control
from tests.support.pc_agent import running_agent
from tests.support.plan_builder import PlanBuilder
from tests.support.sample_plans import sample_plans

FLASH_STORE_BYTES = 4 * 1024 * 1024 - 0x110000
STATIC_LIMIT_BYTES = 12 * 1024
STACK_BYTES = 4096
GUARD_BYTES = 32
SEED = 5
MAX_MACS = 300_000


def run(session: Session, plan: bytes, store: Store, iterations: int = 2) -> RunResult:
    session.upload(plan, store)
    return session.run(iterations, macs=MAX_MACS, source=InputSource.SEEDED, seed=SEED)


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


def test_says_what_it_is(machine: Machine, session: Session) -> None:
    offered = session.capabilities
    assert (offered.board, offered.domain, offered.core) == (machine.board, "mcu", machine.core)
    assert offered.clock_hz == offered.tick_hz == machine.clock_hz
    assert offered.emulator.split()[0] == "qemu"
    wanted = Feature.CYCLE_COUNTER | Feature.STACK_HIGH_WATER | Feature.RESET
    assert offered.features & wanted == wanted
    assert Feature.WATCHDOG_SOFTWARE in offered.features
    assert Feature.WATCHDOG_HARDWARE not in offered.features
    stores = {store.store: store.capacity_bytes for store in offered.stores}
    assert stores[Store.FLASH] == FLASH_STORE_BYTES
    assert offered.pool_bytes == machine.pool_bytes
    assert offered.pool_bytes - 256 <= stores[Store.RAM] < offered.pool_bytes
    assert 0 < offered.static_bytes <= STATIC_LIMIT_BYTES
    assert offered.stack_bytes == STACK_BYTES
    assert (session.reset_cause, session.boot_count) == ("power-on", 1)


def test_every_op_computes_the_same_from_ram_and_from_flash(
    session: Session, oracle: Session
) -> None:
    with session.lease():
        for name, plan in sample_plans().items():
            expected = run(oracle, plan, Store.RAM)
            ticks = set()
            for store in (Store.RAM, Store.FLASH):
                result = run(session, plan, store)
                found = (result.input_crc32, result.output_crc32, result.unstable_at)
                assert found == (expected.input_crc32, expected.output_crc32, None), (name, store)
                assert result.arena_high_water_bytes == expected.arena_high_water_bytes
                assert 200 < result.stack_high_water_bytes < STACK_BYTES // 2
                ticks.update(result.ticks)
            # Alignment within a word is the same in both stores, and nothing else takes time.
            assert len(ticks) == 1, (name, ticks)


@pytest.mark.parametrize("store", [Store.RAM, Store.FLASH])
def test_a_plan_beyond_a_store_is_refused_with_its_size(session: Session, store: Store) -> None:
    capacity = {s.store: s.capacity_bytes for s in session.capabilities.stores}[store]
    with session.lease(), pytest.raises(BoardError) as refusal:
        session.upload(bytes(capacity + 1), store)
    assert refusal.value.code == ErrorCode.STORE_TOO_SMALL
    assert (refusal.value.needed, refusal.value.available) == (capacity + 1, capacity)


def test_an_arena_beyond_the_pool_is_refused_with_its_size(
    machine: Machine, session: Session
) -> None:
    b = PlanBuilder()
    tensor = b.tensor((1, machine.pool_bytes))
    b.inputs, b.outputs = [tensor], [tensor]
    plan = b.build()
    with session.lease(), pytest.raises(BoardError) as refusal:
        session.upload(plan, Store.FLASH)
    assert refusal.value.code == ErrorCode.ARENA_TOO_SMALL
    assert refusal.value.needed == machine.pool_bytes
    assert refusal.value.available == machine.pool_bytes - GUARD_BYTES


def test_a_plan_in_flash_survives_a_pin_reset(board: EmulatorProcess, oracle: Session) -> None:
    plan = sample_plans()["conv_padded"]
    expected = run(oracle, plan, Store.RAM, 1).output_crc32
    link = EmulatorLink(board)
    session = Session(link)
    session.connect()
    with session.lease():
        session.upload(plan, Store.FLASH)
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


def test_a_requested_reset_is_reported_as_such(session: Session) -> None:
    with session.lease():
        session.reset()
    session.connect()
    assert (session.reset_cause, session.boot_count) == ("software", 2)


def test_an_overrun_of_the_arena_is_reported(
    machine: Machine, start: Callable[[Image], EmulatorProcess]
) -> None:
    board = start(built(machine, "overrun", "OVERRUN=1"))
    with Session(EmulatorLink(board)) as session:
        session.connect()
        with session.lease():
            assert run(session, sample_plans()["add"], Store.RAM).unstable_at is None
            with pytest.raises(BoardError) as refusal:
                run(session, sample_plans()["mul"], Store.RAM)
    assert refusal.value.code == ErrorCode.ARENA_OVERRUN


@pytest.mark.slow
def test_a_kernel_that_hangs_ends_in_a_watchdog_reset(
    machine: Machine, start: Callable[[Image], EmulatorProcess]
) -> None:
    board = start(built(machine, "hang", "HANG=1"))
    with Session(EmulatorLink(board)) as session:
        session.connect()
        with (
            session.lease(),
            pytest.raises(BoardError, match=r"reset in mid-run \(cause watchdog, boot count 1 → 2"),
        ):
            run(session, sample_plans()["mul"], Store.RAM)
