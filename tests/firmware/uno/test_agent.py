"""The UNO's firmware as it ships, over the emulated wire; the posix agent is the oracle."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from hil.emulators.process import EmulatorProcess
from host.compiler import CompiledPlan, CompileOptions, compile_graph
from host.errors import BoardError
from host.links.emulator import EmulatorLink
from host.session import Session
from host.targeting.simulate.models import GraphBuilder
from protocol.capabilities import Feature, WrittenBy
from protocol.errors import ErrorCode
from protocol.messages import InputSource, Store
from protocol.plan import PLAN_HEADER, PlanOp
from tests.firmware.shared import sessions
from tests.firmware.shared.sessions import (
    SEED,
    assert_computed_the_same,
    assert_hang_ends_in_a_reset,
    leased,
)
from tests.firmware.uno.images import (
    ARENA_BYTES,
    FLASH_BYTES,
    LEFT_OUT,
    OP_SET,
    STACK_BYTES,
    Image,
    built,
)
from tests.hil.dialogue import Control
from tests.support.make import BUILD_DIR
from tests.support.plan_builder import PlanBuilder
from tests.support.sample_plans import sample_plans
from tests.support.small_plans import complement_plan

STATIC_BYTES = 352
FLASH_LIMIT_BYTES = 16 * 1024
SAMPLES = {
    name: plan
    for name, plan in sample_plans().items()
    if not name.upper().startswith(tuple(LEFT_OUT))
}
MAX_MACS = 100_000
Start = Callable[..., EmulatorProcess]

run = partial(sessions.run, macs=MAX_MACS)


@pytest.fixture
def board(agent_image: Image, start: Start, tmp_path: Path) -> EmulatorProcess:
    """With a plan in its image."""
    return start(agent_image.with_plan(SAMPLES["conv_padded"], tmp_path))


def test_says_what_it_is(session: Session) -> None:
    offered = session.capabilities
    assert (offered.board, offered.domain, offered.core) == ("uno", "mcu", "avr5")
    assert offered.clock_hz == offered.tick_hz == 16_000_000
    assert offered.emulator == "avr8js 0.21.1"
    assert offered.uid == ""
    wanted = Feature.CYCLE_COUNTER | Feature.STACK_HIGH_WATER | Feature.RESET
    assert offered.features & wanted == wanted
    assert Feature.WATCHDOG_HARDWARE in offered.features
    assert offered.op_set == OP_SET
    (store,) = offered.stores
    assert (store.store, store.written_by) == (Store.FLASH, WrittenBy.PROGRAMMER)
    assert store.capacity_bytes >= FLASH_BYTES - FLASH_LIMIT_BYTES
    assert offered.pool_bytes == ARENA_BYTES + 32
    assert (offered.static_bytes, offered.stack_bytes) == (STATIC_BYTES, STACK_BYTES)
    assert (session.reset_cause, session.boot_count) == ("power-on", 1)


@pytest.mark.parametrize("name", SAMPLES)
def test_every_op_computes_what_the_posix_agent_does(
    name: str, agent_image: Image, start: Start, tmp_path: Path, oracle: Session
) -> None:
    plan = SAMPLES[name]
    expected = run(oracle, plan, Store.RAM)
    board = start(agent_image.with_plan(plan, tmp_path))
    with leased(board) as session:
        assert session.holds(plan, Store.FLASH)
        result = run(session, plan, Store.FLASH)
        profiled = session.run(2, macs=MAX_MACS, source=InputSource.SEEDED, seed=SEED, profile=True)
        op_ticks = session.profile()
    assert_computed_the_same(result, expected)
    assert result.arena_high_water_bytes == expected.arena_high_water_bytes
    # Interrupts, and between the ops the engine.
    assert sum(op_ticks) == pytest.approx(result.ticks[0], rel=0.05, abs=800)
    # All of it in use would be no proof that it was enough.
    assert 0 < profiled.stack_high_water_bytes < STACK_BYTES


def slow_plan() -> CompiledPlan:
    """Over two seconds of ops, between which the board gives signs of life."""
    build = GraphBuilder(1)
    at = build.input((1, 18, 18, 2))
    for _ in range(6):
        at = build.depthwise(at, (13, 13))
    return compile_graph(build.build(at), CompileOptions(arena_limit_bytes=ARENA_BYTES))


@pytest.mark.slow
def test_interrupts_at_every_depth_find_room_on_the_stack(
    agent_image: Image, start: Start, tmp_path: Path, oracle: Session
) -> None:
    """The host talks through the whole of a long run: an interrupt every 20 us."""
    plan = slow_plan()
    assert plan.arena_bytes <= ARENA_BYTES
    expected = run(oracle, plan.data, Store.RAM, 1)
    board = start(agent_image.with_plan(plan.data, tmp_path))
    link = EmulatorLink(board)
    done = threading.Event()

    def talk() -> None:
        while not done.wait(0.01):
            link.write(bytes(1000))

    seen: list[int] = []
    with Session(link) as session:
        session.connect()
        with session.lease():
            session.upload(plan.data, Store.FLASH)
            talking = threading.Thread(target=talk)
            talking.start()
            result = session.run(
                1,
                macs=plan.macs,
                source=InputSource.SEEDED,
                seed=SEED,
                on_alive=lambda op, op_count: seen.append(op),
            )
            done.set()
            talking.join()
    assert result.ticks[0] > 2 * 16_000_000
    assert seen, "no sign of life in a run of over two seconds"
    assert result.output_crc32 == expected.output_crc32
    assert 0 < result.stack_high_water_bytes < STACK_BYTES


def test_a_plan_that_is_not_there_cannot_be_uploaded(session: Session) -> None:
    other = complement_plan()
    with session.lease():
        assert session.holds(SAMPLES["conv_padded"], Store.FLASH)
        assert not session.holds(other, Store.FLASH)
        with pytest.raises(BoardError) as refusal:
            session.upload(other, Store.FLASH)
        assert refusal.value.code == ErrorCode.STORE_READ_ONLY
        with pytest.raises(BoardError) as refusal:
            session.upload(other, Store.RAM)
        assert refusal.value.code == ErrorCode.BAD_STORE
        assert session.upload(SAMPLES["conv_padded"], Store.FLASH).op_count == 1


def test_firmware_alone_holds_no_plan(agent_image: Image, start: Start) -> None:
    with leased(start(agent_image)) as session:
        assert not session.holds(complement_plan(), Store.FLASH)
        with pytest.raises(BoardError) as refusal:
            session.run(1, macs=1, source=InputSource.SEEDED)
    assert refusal.value.code == ErrorCode.NO_PLAN


def test_a_plan_beyond_the_store_is_refused_with_its_size(session: Session) -> None:
    (store,) = session.capabilities.stores
    with session.lease(), pytest.raises(BoardError) as refusal:
        session.upload(bytes(store.capacity_bytes + 1), Store.FLASH)
    assert refusal.value.code == ErrorCode.STORE_TOO_SMALL
    assert refusal.value.needed == store.capacity_bytes + 1
    assert refusal.value.available == store.capacity_bytes


def refusal_of(
    plan: bytes, image: Image, start: Start, folder: Path, announced: bytes | None = None
) -> BoardError:
    """How a board refuses what its image holds."""
    with (
        leased(start(image.with_plan(plan, folder))) as session,
        pytest.raises(BoardError) as refusal,
    ):
        session.upload(announced or plan, Store.FLASH)
    return refusal.value


def test_an_arena_beyond_the_pool_is_refused_with_its_size(
    agent_image: Image, start: Start, tmp_path: Path
) -> None:
    plan = complement_plan(elements=ARENA_BYTES // 2 + 8)
    needed = PLAN_HEADER.parse(plan).arena_bytes
    assert needed > ARENA_BYTES
    refused = refusal_of(plan, agent_image, start, tmp_path)
    assert refused.code == ErrorCode.ARENA_TOO_SMALL
    assert (refused.needed, refused.available) == (needed, ARENA_BYTES)


def test_an_arena_of_all_the_pool_is_taken(
    agent_image: Image, start: Start, tmp_path: Path, oracle: Session
) -> None:
    plan = complement_plan(elements=ARENA_BYTES // 2)
    assert PLAN_HEADER.parse(plan).arena_bytes == ARENA_BYTES
    with leased(start(agent_image.with_plan(plan, tmp_path))) as session:
        result = run(session, plan, Store.FLASH)
    assert result.output_crc32 == run(oracle, plan, Store.RAM).output_crc32
    assert result.arena_high_water_bytes == ARENA_BYTES


def test_an_op_without_a_kernel_is_refused_by_its_place(
    agent_image: Image, start: Start, tmp_path: Path
) -> None:
    b = PlanBuilder()
    first, second, last = b.tensor((2, 6)), b.tensor((12,)), b.tensor((3, 4))
    b.op(PlanOp.RESHAPE, [first], [second], {"size_bytes": 12})
    b.op(PlanOp.CONSTANT, [], [last], {"size_bytes": 12, "data_offset": b.data(bytes(12), 1)})
    b.inputs, b.outputs = [first], [second, last]
    refused = refusal_of(b.build(), agent_image, start, tmp_path)
    assert refused.code == ErrorCode.PLAN_OP_KIND
    assert "index 1" in str(refused)


def test_a_damaged_plan_is_not_taken_for_the_whole_one(
    agent_image: Image, start: Start, tmp_path: Path
) -> None:
    plan = SAMPLES["fully_connected"]
    damaged = bytearray(plan)
    damaged[-1] ^= 1
    refused = refusal_of(bytes(damaged), agent_image, start, tmp_path, announced=plan)
    assert refused.code == ErrorCode.STORE_READ_ONLY
    # Announced as it is, its own checksum gives it away.
    refused = refusal_of(bytes(damaged), agent_image, start, tmp_path)
    assert refused.code == ErrorCode.PLAN_CHECKSUM


def test_resets_are_told_apart_and_the_plan_survives_them(
    board: EmulatorProcess, oracle: Session
) -> None:
    plan = SAMPLES["conv_padded"]
    expected = run(oracle, plan, Store.RAM, 1).output_crc32
    session = Session(EmulatorLink(board))
    with session, Control(board) as control:
        session.connect()
        assert (session.reset_cause, session.boot_count) == ("power-on", 1)
        with session.lease():
            session.reset()
        session.connect()
        assert (session.reset_cause, session.boot_count) == ("software", 2)
        for command, found in (("pin", ("pin", 3)), ("power", ("power-on", 1))):
            control.command(command)
            while control.next_message().get("event") != "reset":
                pass
            session.connect()
            assert (session.reset_cause, session.boot_count) == found
            with session.lease():
                assert run(session, plan, Store.FLASH, 1).output_crc32 == expected


def test_an_overrun_of_the_arena_is_reported(start: Start, tmp_path: Path) -> None:
    image = built(BUILD_DIR / "uno-overrun", "OVERRUN=1")
    plan = sample_plans()["mul"]
    with (
        leased(start(image.with_plan(plan, tmp_path))) as session,
        pytest.raises(BoardError) as refusal,
    ):
        run(session, plan, Store.FLASH)
    assert refusal.value.code == ErrorCode.ARENA_OVERRUN


@pytest.mark.slow
def test_a_kernel_that_hangs_ends_in_a_watchdog_reset(start: Start, tmp_path: Path) -> None:
    image = built(BUILD_DIR / "uno-hang", "HANG=1")
    board = start(image.with_plan(sample_plans()["mul"], tmp_path))
    assert_hang_ends_in_a_reset(board, Store.FLASH, MAX_MACS)
