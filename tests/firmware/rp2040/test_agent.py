"""The Pico's firmware as it ships, over the emulated wire; the posix agent is the oracle."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from hil.emulators.process import EmulatorProcess
from host.session import Session
from protocol.capabilities import Feature
from protocol.messages import InputSource, Store
from protocol.plan import PlanOp
from tests.firmware.rp2040.images import built
from tests.firmware.shared.sessions import (
    MAX_MACS,
    SEED,
    assert_computed_the_same,
    assert_hang_ends_in_a_reset,
    assert_overrun_is_reported,
    assert_plan_survives_a_pin_reset,
    assert_requested_reset_is_reported,
    assert_store_has_a_limit,
    run,
)
from tests.support.make import BUILD_DIR
from tests.support.plan_builder import PlanBuilder
from tests.support.sample_plans import sample_plans

RAM_BYTES = 264 * 1024
RAM_LIMIT_BYTES = 8 * 1024
FLASH_STORE_BYTES = (2048 - 64) * 1024
LONGER_THAN_THE_WATCHDOG_MACS = 4_500_000
"""The host waits for so long a run 90 s, for the 8.4 s of the watchdog may be as many here."""


def fully_connected_plan(inputs: int, outputs: int) -> bytes:
    """One layer with inputs * outputs bytes of weights."""
    b, draw = PlanBuilder(), random.Random(inputs)
    source, result = b.tensor((1, inputs)), b.tensor((1, outputs))
    params = {
        "batch": 1,
        "inputs": inputs,
        "outputs": outputs,
        "output_zero_point": -7,
        "activation_min": -128,
        "activation_max": 127,
        "weights_offset": b.data(draw.randbytes(inputs * outputs)),
        "bias_offset": b.words(*(draw.randrange(-1000, 1000) for _ in range(outputs))),
        "multipliers_offset": b.words(*([1 << 30] * outputs)),
        "shifts_offset": b.data(bytes([256 - 9] * outputs), 1),
        "channels": outputs,
    }
    b.op(PlanOp.FULLY_CONNECTED, [source], [result], params, 2 * inputs)
    b.inputs, b.outputs = [source], [result]
    return b.build()


def test_says_what_it_is(session: Session) -> None:
    offered = session.capabilities
    assert (offered.board, offered.domain, offered.core) == ("pico", "mcu", "cortex-m0plus")
    assert offered.clock_hz == offered.tick_hz == 133_000_000
    assert offered.uid == "e661640843215a2c"
    assert offered.emulator.startswith("rp2040js")
    wanted = Feature.CYCLE_COUNTER | Feature.STACK_HIGH_WATER | Feature.WATCHDOG_HARDWARE
    assert offered.features & wanted == wanted
    stores = {store.store: store.capacity_bytes for store in offered.stores}
    assert stores[Store.FLASH] == FLASH_STORE_BYTES
    assert offered.pool_bytes - 256 <= stores[Store.RAM] < offered.pool_bytes
    assert RAM_BYTES - offered.pool_bytes <= RAM_LIMIT_BYTES
    assert offered.static_bytes + offered.stack_bytes <= RAM_LIMIT_BYTES
    assert (session.reset_cause, session.boot_count) == ("power-on", 1)


def test_every_op_computes_the_same_from_ram_and_from_flash(
    session: Session, oracle: Session
) -> None:
    with session.lease():
        for name, plan in sample_plans().items():
            expected = run(oracle, plan, Store.RAM)
            for store in (Store.RAM, Store.FLASH):
                result = run(session, plan, store)
                assert_computed_the_same(result, expected, (name, store))
                assert all(0 < ticks < 1_000_000 for ticks in result.ticks)
                # An exception frame and a few calls at least; a quarter of the stack is left.
                assert 200 < result.stack_high_water_bytes
                assert result.stack_high_water_bytes <= session.capabilities.stack_bytes * 3 // 4


@pytest.mark.slow
def test_upload_to_ram_loses_nothing_and_costs_at_most_5_percent(
    session: Session, oracle: Session
) -> None:
    plan = fully_connected_plan(768, 256)
    with session.lease():
        before = session.traffic.bytes_sent + session.traffic.bytes_received
        loaded = session.upload(plan, Store.RAM)
        moved = session.traffic.bytes_sent + session.traffic.bytes_received - before
        assert loaded.bytes_skipped == 0
        assert session.traffic.retransmits == 0
        assert moved <= len(plan) * 1.05
        result = session.run(1, macs=MAX_MACS, source=InputSource.SEEDED, seed=SEED)
    assert result.output_crc32 == run(oracle, plan, Store.RAM, 1).output_crc32


@pytest.mark.slow
def test_a_plan_in_flash_survives_a_pin_reset(board: EmulatorProcess, oracle: Session) -> None:
    """300 KB: larger than the RAM, and over several erase blocks."""
    assert_plan_survives_a_pin_reset(board, oracle, fully_connected_plan(768, 384))


def test_a_plan_that_follows_a_longer_one_in_flash_is_whole(session: Session) -> None:
    """What is programmed over bytes that were not erased comes out as the AND of both."""
    longer, shorter = fully_connected_plan(64, 64), fully_connected_plan(60, 30)
    with session.lease():
        for plan in (longer, shorter, longer):
            loaded = session.upload(plan, Store.FLASH)  # ends with a CRC over what is stored
            assert loaded.bytes_skipped == 0


@pytest.mark.parametrize("store", [Store.RAM, Store.FLASH])
def test_a_plan_beyond_a_store_is_refused_with_its_size(session: Session, store: Store) -> None:
    assert_store_has_a_limit(session, store)


def test_a_requested_reset_is_reported_as_such(session: Session) -> None:
    assert_requested_reset_is_reported(session)


def test_an_overrun_of_the_arena_is_reported(start: Callable[..., EmulatorProcess]) -> None:
    assert_overrun_is_reported(start(built(BUILD_DIR / "pico-overrun", "OVERRUN=1")))


@pytest.mark.slow
def test_a_kernel_that_hangs_ends_in_a_watchdog_reset(
    start: Callable[..., EmulatorProcess],
) -> None:
    board = start(built(BUILD_DIR / "pico-hang", "HANG=1"))
    assert_hang_ends_in_a_reset(board, macs=LONGER_THAN_THE_WATCHDOG_MACS)
