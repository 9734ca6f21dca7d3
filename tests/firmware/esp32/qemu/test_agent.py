"""The firmware as it ships, over the emulated wire; the posix agent is the oracle."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hil.emulators.process import EmulatorProcess
from host.session import Session
from protocol.capabilities import Feature
from protocol.messages import Store
from tests.firmware.esp32.qemu.machines import Machine, built
from tests.firmware.shared.sessions import (
    GUARD_BYTES,
    assert_computed_the_same,
    assert_hang_ends_in_a_reset,
    assert_overrun_is_reported,
    assert_plan_survives_a_pin_reset,
    assert_requested_reset_is_reported,
    assert_store_has_a_limit,
    refused_arena,
    run,
)
from tests.support.sample_plans import sample_plans

FLASH_STORE_BYTES = 4 * 1024 * 1024 - 0x110000
STATIC_LIMIT_BYTES = 12 * 1024
STACK_BYTES = 4096


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
                assert_computed_the_same(result, expected, (name, store))
                assert result.arena_high_water_bytes == expected.arena_high_water_bytes
                assert 200 < result.stack_high_water_bytes < STACK_BYTES // 2
                ticks.update(result.ticks)
            # Alignment within a word is the same in both stores, and nothing else takes time.
            assert len(ticks) == 1, (name, ticks)


@pytest.mark.parametrize("store", [Store.RAM, Store.FLASH])
def test_a_plan_beyond_a_store_is_refused_with_its_size(session: Session, store: Store) -> None:
    assert_store_has_a_limit(session, store)


def test_an_arena_beyond_the_pool_is_refused_with_its_size(
    machine: Machine, session: Session
) -> None:
    assert session.capabilities.pool_bytes == machine.pool_bytes
    _, available = refused_arena(session, Store.FLASH)
    assert available == machine.pool_bytes - GUARD_BYTES


def test_a_plan_in_flash_survives_a_pin_reset(board: EmulatorProcess, oracle: Session) -> None:
    assert_plan_survives_a_pin_reset(board, oracle, sample_plans()["conv_padded"])


def test_a_requested_reset_is_reported_as_such(session: Session) -> None:
    assert_requested_reset_is_reported(session)


def test_an_overrun_of_the_arena_is_reported(
    machine: Machine, start: Callable[..., EmulatorProcess]
) -> None:
    assert_overrun_is_reported(start(built(machine, "overrun", "OVERRUN=1")))


@pytest.mark.slow
def test_a_kernel_that_hangs_ends_in_a_watchdog_reset(
    machine: Machine, start: Callable[..., EmulatorProcess]
) -> None:
    assert_hang_ends_in_a_reset(start(built(machine, "hang", "HANG=1")))
