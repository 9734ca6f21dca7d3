"""The assembly of the UNO's runtime on the emulated part, against exact integers."""

from __future__ import annotations

import random
import zlib
from collections.abc import Iterator

import numpy as np
import pytest

from tests.firmware.uno.kernel_board import (
    MULTIPLY_HIGH,
    REQUANTIZE,
    SHIFT_RIGHT,
    KernelBoard,
    kernel_image,
)

INT32_MIN, INT32_MAX = -(1 << 31), (1 << 31) - 1
DOT_COUNTS = [*range(20), 63, 64, 65, 255, 256, 257, 503, 504, 505, 511, 512, 1008, 1009, 1400]
"""Blocks of eight and what is left of them; bytes and words; sums of 24 bits, one after another."""
CRC_COUNTS = [*range(10), 127, 128, 255, 256, 257, 1000, 1456]


def weights_of(count: int) -> bytes:
    return random.Random(count).randbytes(count)


FLASH_BYTES = random.Random(1).randbytes(1500)
ALL_MINUS_128 = bytes([0x80]) * 1456


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KernelBoard]:
    blocks = [FLASH_BYTES, ALL_MINUS_128, *(weights_of(count) for count in DOT_COUNTS)]
    with KernelBoard(kernel_image(), blocks, tmp_path_factory.mktemp("image")) as board:
        yield board


def wrapped(value: int) -> int:
    return (value - INT32_MIN) % (1 << 32) + INT32_MIN


def exact_multiply_high(value: int, multiplier: int) -> int:
    """(2 * value * multiplier) / 2^32 to nearest, halves up: gemmlowp's definition."""
    return (2 * value * multiplier + (1 << 31)) // (1 << 32)


def exact_shift_right(value: int, exponent: int) -> int:
    """To nearest, halves away from zero."""
    magnitude = (2 * abs(value) + (1 << exponent)) // (2 << exponent)
    return magnitude if value >= 0 else -magnitude


def exact_requantize(value: int, multiplier: int, shift: int) -> int:
    high = exact_multiply_high(wrapped(value << max(shift, 0)), multiplier)
    return exact_shift_right(high, max(-shift, 0))


def drawn_values(count: int, seed: int) -> list[int]:
    """Of all magnitudes, ends and halves among them."""
    draw = random.Random(seed)
    ends = [0, 1, -1, 2, -2, 3, -3, 0xFF, 0x100, -0x100, 0xFFFF, 0x10000, -0x10001, 1 << 30]
    ends += [INT32_MAX, INT32_MAX - 1, INT32_MIN, INT32_MIN + 1, -(1 << 30)]
    ends += [sign * (odd << shift) for sign in (1, -1) for odd in (1, 3) for shift in range(29)]
    drawn = [draw.randint(INT32_MIN, INT32_MAX) >> draw.randrange(31) for _ in range(count)]
    return ends + drawn


def check(board: KernelBoard, function: bytes, rows: list[tuple[int, int, int]]) -> list[int]:
    results: list[int] = board.scale(function, np.array(rows)).tolist()
    return results


def test_multiply_high_is_exact(board: KernelBoard) -> None:
    draw = random.Random(2)
    ends = [0, 1, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x10000, 1 << 30, INT32_MAX, INT32_MAX - 1]
    rows = [
        (value, draw.choice(ends) if draw.random() < 0.4 else draw.randint(0, INT32_MAX), 0)
        for value in drawn_values(1500, 3)
    ]
    # Where the rounding's carry runs through all bytes, and where it just does not.
    rows += [(value, 1 << 30, 0) for value in drawn_values(0, 0)]
    for row, result in zip(rows, check(board, MULTIPLY_HIGH, rows), strict=True):
        assert result == exact_multiply_high(row[0], row[1]), row


def test_rounding_shift_is_exact(board: KernelBoard) -> None:
    # A product's high half is at most INT32_MAX - 1; SOFTMAX's table has more, with a shift of 12.
    values = [value for value in drawn_values(20, 4) if INT32_MIN < value < INT32_MAX]
    rows = [(value, 0, exponent) for value in values for exponent in range(32)]
    rows.append((INT32_MAX, 0, 12))
    for row, result in zip(rows, check(board, SHIFT_RIGHT, rows), strict=True):
        assert result == exact_shift_right(row[0], row[2]), row


def test_requantize_is_exact(board: KernelBoard) -> None:
    draw = random.Random(5)
    rows = [
        (value, draw.randint(0, INT32_MAX), draw.randint(-31, 30))
        for value in drawn_values(1500, 6)
    ]
    for row, result in zip(rows, check(board, REQUANTIZE, rows), strict=True):
        assert result == exact_requantize(*row), row


@pytest.mark.parametrize("count", DOT_COUNTS)
def test_dot_product_is_exact(board: KernelBoard, count: int) -> None:
    draw = np.random.default_rng(count)
    x = draw.integers(-128, 128, count).astype(np.int8)
    weights = weights_of(count)
    products = x.astype(np.int64) @ np.frombuffer(weights, np.int8).astype(np.int64)
    for acc in (0, -1, int(draw.integers(INT32_MIN, INT32_MAX))):
        assert board.dot_product(acc, x, weights) == wrapped(int(products) + acc)


def test_dot_product_of_the_largest_products_is_exact(board: KernelBoard) -> None:
    count = len(ALL_MINUS_128)
    for value in (-128, 127):
        x = np.full(count, value, np.int8)
        assert board.dot_product(0, x, ALL_MINUS_128) == -128 * value * count


@pytest.mark.parametrize("count", CRC_COUNTS)
def test_crc32_is_zlibs(board: KernelBoard, count: int) -> None:
    data = random.Random(count).randbytes(count)
    whole = zlib.crc32(data)
    assert board.crc32(0, data) == whole
    begun = board.crc32(0, data[: count // 3])
    assert board.crc32(begun, data[count // 3 :]) == whole
    for offset in (0, 1):
        expected = zlib.crc32(FLASH_BYTES[offset : offset + count], whole)
        assert board.plan_crc32(whole, FLASH_BYTES, offset, count) == expected
