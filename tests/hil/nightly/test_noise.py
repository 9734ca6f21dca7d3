"""Statistics of physical latencies: what they promise holds in simulated nights."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from hil.nightly.noise import FAMILY_ALPHA, estimate, holm, outliers, shift, steady
from tests.support.nights import session_medians

NIGHTS, SESSIONS, CELLS = 30, 12, 10


def judged(baseline: np.ndarray, tonight: np.ndarray, cells: int = CELLS) -> tuple[float, float]:
    """p of a slow-down, and the least that would be found."""
    nights = [steady(night) for night in baseline]
    found = shift(estimate([nights]), nights, steady(tonight), cells=cells)
    return found.p_slower, found.detectable


def test_one_night_in_a_hundred_has_a_false_alarm_at_most() -> None:
    generator = np.random.default_rng(1)
    nights, alarms = 1000, 0
    for _ in range(nights // 20):
        # Ten cells, each with its past, and twenty nights of each that follow it.
        baseline = session_medians(generator, (CELLS, NIGHTS, SESSIONS))
        coming = session_medians(generator, (CELLS, 20, SESSIONS))
        levels = [[list(night) for night in cell] for cell in baseline]
        noises = [estimate([level]) for level in levels]
        for night in range(20):
            p = [
                shift(noises[cell], levels[cell], coming[cell, night]).p_slower
                for cell in range(CELLS)
            ]
            alarms += bool(holm(p).any())
    assert alarms <= nights / 100


def test_a_slow_down_of_3_percent_is_found_95_times_in_100() -> None:
    generator = np.random.default_rng(2)
    pasts, tonights, found = 100, 10, 0
    for _ in range(pasts):
        baseline = session_medians(generator, (NIGHTS, SESSIONS))
        for _ in range(tonights):
            p, _ = judged(baseline, 1.03 * session_medians(generator, (SESSIONS,)))
            # As strict as the first of ten cells has it.
            found += p <= FAMILY_ALPHA / CELLS
    assert found >= 0.95 * pasts * tonights


def test_what_is_said_to_be_detectable_is() -> None:
    generator = np.random.default_rng(3)
    baseline = session_medians(generator, (NIGHTS, SESSIONS))
    _, detectable = judged(baseline, session_medians(generator, (SESSIONS,)))
    # Known noise: z quantiles instead of t, and the true deviation.
    sd = math.hypot(0.02, 0.005 * 1.2533 / math.sqrt(25))
    z = stats.norm.isf(FAMILY_ALPHA / CELLS) + stats.norm.isf(0.05)
    known = z * sd * math.sqrt(1 / SESSIONS + 1 / (SESSIONS * NIGHTS))
    assert detectable == pytest.approx(known, rel=0.12)


def test_nights_that_differ_by_themselves_are_no_slow_down() -> None:
    """A rack whose nights deviate by 2 %, sessions of one night by 0.5 %: the night is the unit."""
    generator = np.random.default_rng(4)
    alarms = pooled_alarms = 0
    for _ in range(300):
        nights = 1 + 0.02 * generator.standard_normal((NIGHTS + 1, 1))
        values = nights * session_medians(generator, (NIGHTS + 1, SESSIONS), between=0.005)
        p, _ = judged(values[:-1], values[-1])
        alarms += p < 0.01
        pooled_alarms += (
            stats.ttest_ind(values[-1], values[:-1].ravel(), alternative="greater").pvalue < 0.01
        )
    assert alarms <= 8
    assert pooled_alarms > 30, "the test that takes sessions for independent would cry wolf"


def test_variance_components_are_found() -> None:
    generator = np.random.default_rng(5)
    nights = 0.03 * generator.standard_normal((2000, 1))
    values = np.exp(nights + 0.01 * generator.standard_normal((2000, 8)))
    noise = estimate([values.tolist()])
    assert math.sqrt(noise.night_variance) == pytest.approx(0.03, rel=0.05)
    assert math.sqrt(noise.session_variance) == pytest.approx(0.01, rel=0.05)


def test_what_a_new_build_cost_is_no_noise() -> None:
    generator = np.random.default_rng(6)
    old = session_medians(generator, (10, SESSIONS))
    new = 1.5 * session_medians(generator, (10, SESSIONS))
    noise = estimate([old.tolist(), new.tolist()])
    assert math.sqrt(noise.session_variance + noise.night_variance) == pytest.approx(0.02, rel=0.15)


def test_the_effect_is_a_ratio_with_its_interval() -> None:
    generator = np.random.default_rng(7)
    level = session_medians(generator, (NIGHTS, SESSIONS)).tolist()
    covered = 0
    for _ in range(400):
        found = shift(estimate([level]), level, 1.03 * session_medians(generator, (SESSIONS,)))
        covered += found.ci95[0] <= 0.03 <= found.ci95[1]
    assert 0.92 * 400 <= covered <= 0.98 * 400


def test_a_board_without_any_noise_does_not_cry_at_a_tick() -> None:
    level = [[1.0] * 4] * 6
    assert shift(estimate([level]), level, [1.00005] * 4).p_slower > FAMILY_ALPHA
    assert shift(estimate([level]), level, [1.01] * 4).p_slower < 1e-9


def test_a_single_session_that_stands_apart_is_named() -> None:
    values = [1.0, 1.01, 0.99, 1.005, 0.995, 1.6]
    assert outliers(values) == [5]
    assert steady(values) == values[:5]
    assert outliers([1.0, 1.01, 1.6]) == [], "of three nobody knows which is the odd one"


def test_holm_keeps_the_chance_over_all_cells() -> None:
    assert holm([0.001, 0.5, 0.004], alpha=0.01).tolist() == [True, False, True]
    assert holm([0.004, 0.5, 0.9], alpha=0.01).tolist() == [False, False, False]
    assert holm([], alpha=0.01).tolist() == []
