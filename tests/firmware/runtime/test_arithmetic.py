"""The runtime's integer arithmetic against Python's exact integers."""

from __future__ import annotations

import zlib

import numpy as np
import pytest

from tests.support.jr_runner import JrRunner

INT32_MIN, INT32_MAX = -(1 << 31), (1 << 31) - 1


def wrapped(value: int) -> int:
    return (value - INT32_MIN) % (1 << 32) + INT32_MIN


def exact_requantize(value: int, multiplier: int, shift: int) -> int:
    """gemmlowp's double rounding, from its definition: two roundings of exact fractions."""
    value = wrapped(value << max(shift, 0))
    # Rounding doubling high multiply: to nearest, halves up.
    high = (2 * value * multiplier + (1 << 31)) // (1 << 32)
    # Rounding divide: to nearest, halves away from zero.
    divisor = 1 << max(-shift, 0)
    magnitude = (2 * abs(high) + divisor) // (2 * divisor)
    return magnitude if high >= 0 else -magnitude


def assert_exact(runner: JrRunner, cases: list[tuple[int, int, int]]) -> None:
    values, multipliers, shifts = (np.array(column) for column in zip(*cases, strict=True))
    got = runner.requantize(values, multipliers, shifts)
    for case, result in zip(cases, got, strict=True):
        assert result == exact_requantize(*case), case


def test_requantize_at_its_corners(any_runner: JrRunner) -> None:
    values = [0, 1, -1, 2, 3, -3, 0xFFFF, 0x10000, -0x10000, -0x10001, 12345, -54321]
    values += [INT32_MAX, INT32_MAX - 1, INT32_MIN, INT32_MIN + 1, 1 << 30, -(1 << 30)]
    multipliers = [0, 1, 0x7FFF, 0x8000, 0xFFFF, 0x10000, 0x18000, 1 << 30, (1 << 30) + 1]
    multipliers += [INT32_MAX, INT32_MAX - 1, 0x7FFF0000, 0x7FFF8000]
    cases = [(v, m, s) for v in values for m in multipliers for s in range(-31, 31)]
    assert_exact(any_runner, cases)


def test_requantize_at_random(any_runner: JrRunner) -> None:
    rng = np.random.default_rng(20240607)
    count = 200_000
    # Magnitudes of all sizes: small accumulators are the common ones.
    values = rng.integers(INT32_MIN, INT32_MAX + 1, count) >> rng.integers(0, 31, count)
    multipliers = rng.integers(0, 1 << 31, count)
    shifts = rng.integers(-31, 31, count)
    cases = list(zip(values.tolist(), multipliers.tolist(), shifts.tolist(), strict=True))
    assert_exact(any_runner, cases)


def test_exact_halves_round_away_from_zero(any_runner: JrRunner) -> None:
    # A multiplier of 1/2 and a left shift of 1 leave the value as it is.
    cases = [
        (sign * (odd << (shift - 1)) * 2, 1 << 30, -shift)
        for shift in range(1, 20)
        for odd in (1, 3, 5, 255)
        for sign in (1, -1)
    ]
    assert_exact(any_runner, cases)


def q31_multiply(a: int, b: int) -> int:
    """Saturating rounding doubling high multiply of any two int32."""
    return min((a * b + (1 << 30)) >> 31, INT32_MAX)


def shift_left_saturating(value: int, exponent: int) -> int:
    return max(INT32_MIN, min(INT32_MAX, value << exponent))


def exact_reciprocal(total: int) -> tuple[int, int]:
    """gemmlowp's 1/(1+a) of the normalised ``total`` (Q12.19), in exact integers."""
    zeros = 32 - total.bit_length()
    a = (total << zeros) - (1 << 31)
    half_denominator = (a + INT32_MAX + 1) // 2
    x = 1515870810 + q31_multiply(half_denominator, -1010580540)
    for _ in range(3):
        error = (1 << 29) - q31_multiply(half_denominator, x)
        x += shift_left_saturating(q31_multiply(x, error), 2)
        assert INT32_MIN <= x <= INT32_MAX
    return shift_left_saturating(x, 1), 12 - zeros


@pytest.mark.parametrize("first", [1, (1 << 19) - 2000, (1 << 24) - 2000, (1 << 32) - 4000])
def test_reciprocal_of_a_range(any_runner: JrRunner, first: int) -> None:
    sums = range(first, min(first + 4000, 1 << 32))
    got = any_runner.reciprocals(np.array(sums, dtype=np.uint32))
    assert got.tolist() == [list(exact_reciprocal(total)) for total in sums]


def test_reciprocal_at_random(any_runner: JrRunner) -> None:
    rng = np.random.default_rng(8)
    sums = np.maximum(rng.integers(0, 1 << 32, 100_000) >> rng.integers(0, 32, 100_000), 1)
    got = any_runner.reciprocals(sums.astype(np.uint32))
    assert got.tolist() == [list(exact_reciprocal(total)) for total in sums.tolist()]


@pytest.mark.parametrize("length", [0, 1, 3, 4, 5, 8, 63, 1000])
def test_crc32_is_zlibs(any_runner: JrRunner, length: int) -> None:
    data = np.random.default_rng(length).bytes(length)
    assert any_runner.crc32(0, data) == zlib.crc32(data)
    # Continued from any split, hence from any alignment.
    for split in range(min(length, 9)):
        begun = any_runner.crc32(0, data[:split])
        assert any_runner.crc32(begun, data[split:]) == zlib.crc32(data)
