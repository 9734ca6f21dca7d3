"""Moderated variances: the literature's method, held against its own model."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import special, stats

from hil.nightly.moderation import _inverse_trigamma, moderate


@pytest.mark.parametrize("value", [1e-8, 1e-3, 0.4, 1.0, 30.0, 1e9])
def test_the_inverse_of_trigamma_is_one(value: float) -> None:
    assert special.polygamma(1, _inverse_trigamma(value)) == pytest.approx(value, rel=1e-6)


def test_the_prior_is_found() -> None:
    """Variances drawn from the model: a prior of 0.04 with 10 df, and 8 df of their own each."""
    generator = np.random.default_rng(1)
    true = 0.04 * 10 / generator.chisquare(10, 20_000)
    found = moderate(true * generator.chisquare(8, true.shape) / 8, 8)
    assert found.df.mean() == pytest.approx(18, rel=0.05)
    assert np.corrcoef(np.log(found.value), np.log(true))[0, 1] > 0.6


def test_equal_variances_are_pooled_and_a_lone_one_is_left_alone() -> None:
    pooled = moderate([1.0, 1.1, 0.9], [10, 20, 10])
    assert pooled.value.tolist() == pytest.approx([41 / 40] * 3)
    assert pooled.df.tolist() == [40] * 3
    alone = moderate([3.0], 7)
    assert (alone.value.tolist(), alone.df.tolist()) == ([3.0], [7.0])


def test_variances_that_have_nothing_in_common_stay_as_they_are() -> None:
    given = np.array([1e-6, 1.0, 1e6])
    found = moderate(given, 100)
    assert found.value == pytest.approx(given, rel=0.05)
    assert found.df == pytest.approx(100, rel=0.01)


@pytest.mark.parametrize(
    ("df", "below_df", "at_most"), [(4, np.inf, 0.014), (13, np.inf, 0.012), (13, 154, 0.012)]
)
def test_a_t_test_with_it_keeps_its_error_rate(df: float, below_df: float, at_most: float) -> None:
    """Ten cells learn little of how variances scatter: with few nights the rate is a bit higher."""
    generator = np.random.default_rng(2)
    rejected = trials = 0
    for _ in range(2000):
        own = generator.chisquare(df, 10) / df
        if np.isfinite(below_df):
            own = own / (generator.chisquare(below_df, 10) / below_df)
        found = moderate(own, df, below_df)
        t = generator.standard_normal(10) / np.sqrt(found.value)
        rejected += int((t > stats.t.isf(0.01, found.df)).sum())
        trials += 10
    assert 0.007 < rejected / trials <= at_most
