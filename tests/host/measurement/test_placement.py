"""Which store a plan goes to, and what is said when it goes to none."""

from __future__ import annotations

import pytest

from host.errors import BoardError
from host.measurement.placement import choose_store
from protocol.capabilities import Capabilities, StoreCapability
from protocol.errors import ErrorCode
from protocol.messages import Store

BOARD = Capabilities(
    board="pico",
    pool_bytes=10_032,
    stores=(StoreCapability(Store.RAM, 4, 8_000), StoreCapability(Store.FLASH, 4, 50_000)),
)


@pytest.mark.parametrize(
    ("plan_bytes", "arena_bytes", "forced", "expected"),
    [
        (5_008, 4_992, None, Store.RAM),  # to the byte, guards of 32 beside
        (5_008, 4_993, None, Store.FLASH),
        (5_009, 4_992, None, Store.FLASH),  # rounded up to 16
        (8_001, 100, None, Store.FLASH),
        (100, 100, Store.FLASH, Store.FLASH),
    ],
)
def test_ram_first(
    plan_bytes: int, arena_bytes: int, forced: Store | None, expected: Store
) -> None:
    assert choose_store(BOARD, plan_bytes, arena_bytes, forced) == expected


@pytest.mark.parametrize(
    ("plan_bytes", "arena_bytes", "forced", "code", "needed", "available"),
    [
        (50_001, 100, None, ErrorCode.STORE_TOO_SMALL, 50_001, 50_000),
        (8_001, 100, Store.RAM, ErrorCode.STORE_TOO_SMALL, 8_001, 8_000),
        (100, 10_001, None, ErrorCode.ARENA_TOO_SMALL, 10_001, 10_000),
        (5_008, 4_993, Store.RAM, ErrorCode.ARENA_TOO_SMALL, 4_993, 4_992),
    ],
)
def test_says_what_there_is_too_little_of(
    plan_bytes: int,
    arena_bytes: int,
    forced: Store | None,
    code: ErrorCode,
    needed: int,
    available: int,
) -> None:
    with pytest.raises(BoardError) as caught:
        choose_store(BOARD, plan_bytes, arena_bytes, forced)
    assert (caught.value.code, caught.value.needed, caught.value.available) == (
        code,
        needed,
        available,
    )
    assert f"{needed:,}" in str(caught.value)
    assert f"{available:,}" in str(caught.value)


def test_a_board_without_the_store_asked_for() -> None:
    diskless = Capabilities(board="uno", stores=(StoreCapability(Store.RAM, 1, 1_000),))
    with pytest.raises(BoardError, match=r"uno has no flash plan store \(it has: ram\)"):
        choose_store(diskless, 10, 10, Store.FLASH)
