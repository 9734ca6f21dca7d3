"""Whether tonight's latency is more than a board's own noise (hil/nightly/noise.py)."""

from __future__ import annotations

import math
from collections.abc import Sequence

import attrs
import numpy as np
from numpy.typing import NDArray
from scipy import special

from hil.nightly.noise import Night, Noise, Past

SLOWER_ALPHA = 0.009
"""Chance of any alarm in a night without a change, over all cells; a hundredth is allowed."""

FASTER_ALPHA = 0.002
"""That of any speed-up: one that is none misleads too, but it wakes nobody."""


@attrs.frozen(kw_only=True)
class Shift:
    """Tonight against the baseline. ``effect``: +0.03 is 3 % slower; ``ci95`` bounds it.

    ``p_slower`` is the chance of such a night without any change. ``detectable`` is the least
    slow-down found in 95 of 100 nights at this noise. ``sd_units`` is the effect in standard
    deviations between sessions (Cohen's d).
    """

    effect: float
    ci95: tuple[float, float]
    p_slower: float
    p_faster: float
    detectable: float
    sd_units: float
    sessions: int
    baseline_sessions: int
    baseline_nights: int


def shift(noise: Noise, past: Past, tonight: Night, *, cells: int = 1) -> Shift:
    """Compares tonight's sessions with the nights that the baseline accepted.

    Args:
        noise: of the cell.
        past: its accepted nights.
        tonight: at least one session, none of them an outlier.
        cells: how many are judged in one night; ``detectable`` allows for them.
    """
    accepted = [value for night in past.level for value in night]
    now = [math.log(latency) for latency in tonight]
    weights = [len(night) / len(accepted) for night in past.level]
    variance = noise.session_variance * (1 / len(now) + 1 / len(accepted))
    variance += noise.night_variance * (1 + sum(weight * weight for weight in weights))
    error = math.sqrt(variance)
    difference = sum(now) / len(now) - sum(accepted) / len(accepted)
    third_moment = noise.skewness * noise.session_variance**1.5
    skewness = third_moment * (1 / len(now) ** 2 - 1 / len(accepted) ** 2) / error**3
    half = -float(_T_QUANTILE(noise.df, 0.025)) * error
    critical = -float(_T_QUANTILE(noise.df, SLOWER_ALPHA / cells))
    critical += max(skewness, 0.0) / 6 * (critical**2 - 1)
    bound = (critical - float(_T_QUANTILE(noise.df, 0.05))) * error
    return Shift(
        effect=math.expm1(difference),
        ci95=(math.expm1(difference - half), math.expm1(difference + half)),
        p_slower=_upper_tail(difference / error, skewness, noise.df),
        p_faster=_upper_tail(-difference / error, -skewness, noise.df),
        detectable=math.expm1(bound),
        sd_units=difference / math.sqrt(noise.session_variance + noise.night_variance),
        sessions=len(now),
        baseline_sessions=len(accepted),
        baseline_nights=len(past.level),
    )


_T_DISTRIBUTION, _T_QUANTILE = special.stdtr, special.stdtrit
"""Student's t: the distribution function of (df, t), and its inverse of (df, p)."""


def _upper_tail(t: float, skewness: float, df: float) -> float:
    """Chance of a larger ``t`` where what it is of is skewed.

    Cornish and Fisher's first term moves the quantile of a normal z to z + skewness (z^2 - 1) / 6;
    this solves for z. Never makes the tail thinner than Student's.
    """
    if t > 0 and skewness > 0:
        sixth = skewness / 6
        # The root of sixth z^2 + z = t + sixth, in the form that is exact for a small sixth.
        t = 2 * (t + sixth) / (1 + math.sqrt(1 + 4 * sixth * (t + sixth)))
    return float(_T_DISTRIBUTION(df, -t))


def holm(p_values: Sequence[float], alpha: float) -> NDArray[np.bool_]:
    """Which hypotheses fall, so that the chance of any false one is ``alpha`` (Holm, 1979).

    Returns:
        bool, shape (n,).
    """
    p = np.asarray(p_values, dtype=float)
    order = np.argsort(p)
    passed = p[order] <= alpha / (len(p) - np.arange(len(p)))
    rejected = np.zeros(len(p), dtype=bool)
    rejected[order] = np.logical_and.accumulate(passed)
    return rejected
