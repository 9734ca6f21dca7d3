"""The firmware as it ships, over the emulated wire; the posix agent is the oracle."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hil.emulators.process import EmulatorProcess
from host.session import Session
from protocol.capabilities import Feature
from protocol.messages import Store
from tests.firmware.shared.sessions import (
    GUARD_BYTES,
    assert_computed_the_same,
    assert_hang_ends_in_a_reset,
    assert_overrun_is_reported,
    assert_requested_reset_is_reported,
    assert_store_has_a_limit,
    refused_arena,
    run,
)
from tests.firmware.uno_q.images import built
from tests.support.sample_plans import sample_plans

RAM_BYTES = 768 * 1024
BESIDES_POOL_BYTES = 12 * 1024


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
            expected, result = (run(on, plan, Store.RAM) for on in (oracle, session))
            assert_computed_the_same(result, expected, name)
            assert 200 < result.stack_high_water_bytes < session.capabilities.stack_bytes // 2
            assert len(set(result.ticks)) == 1, (name, result.ticks)
            # A cycle an instruction at least; no code here is loads or divisions alone.
            assert result.instructions < result.ticks[0] < 2 * result.instructions


def test_a_profile_comes_over_the_wire_and_adds_up(session: Session) -> None:
    with session.lease():
        result = run(session, sample_plans()["conv_padded"], Store.RAM, 1, profile=True)
        ops = session.profile()
    assert all(ticks > 0 for ticks in ops)
    assert sum(ops) == pytest.approx(result.ticks[0], rel=0.05)


def test_a_plan_beyond_the_store_is_refused_with_its_size(session: Session) -> None:
    assert_store_has_a_limit(session, Store.RAM)


def test_an_arena_beyond_the_pool_is_refused_with_its_size(session: Session) -> None:
    plan_bytes, available = refused_arena(session, Store.RAM)
    left = session.capabilities.pool_bytes - plan_bytes - GUARD_BYTES
    assert left - 16 < available <= left


def test_a_requested_reset_is_reported_as_such(session: Session) -> None:
    assert_requested_reset_is_reported(session)


def test_an_overrun_of_the_arena_is_reported(start: Callable[..., EmulatorProcess]) -> None:
    assert_overrun_is_reported(start(built("uno_q-an505", "overrun", "OVERRUN=1")))


@pytest.mark.slow
def test_a_kernel_that_hangs_ends_in_a_watchdog_reset(
    start: Callable[..., EmulatorProcess],
) -> None:
    assert_hang_ends_in_a_reset(start(built("uno_q-an505", "hang", "HANG=1")))
