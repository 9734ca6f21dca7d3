"""How much a physical board's latency varies by itself, and whether tonight's is more than that.

Latencies are compared as logarithms, so that an effect is a ratio and a slow cell weighs no more
than a fast one. A session (connect, upload, run) gives one value, the median of its iterations;
what varies within it is far less than what varies from one to the next. Sessions of one night share
the room's temperature and the supply's voltage, so a night may have a deviation of its own:

    log latency = level + night + session,   var(night) = b, var(session) = w

Both variances come from the board's own recorded nights, by analysis of variance (Searle, Casella
and McCulloch, "Variance Components", 1992, chapter 3).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import attrs
import numpy as np
from numpy.typing import NDArray
from scipy import special

FAMILY_ALPHA = 0.008
"""Chance of any alarm in a night without a change, over all cells; a hundredth is allowed."""

MIN_NIGHTS = 5
"""With fewer recorded nights, the night-to-night variance is a guess and no latency is judged."""

_POOLING_ALPHA = 0.05
"""Nights count as alike unless an F test at this level says otherwise."""

_LEAST_SD = 2e-4
"""No two sessions are closer than this for a reason: the drift of a crystal with temperature. Keeps
a board that repeats itself to the tick from turning one tick into an alarm."""

_MAD_TO_SD = 1.4826
"""Standard deviation of a normal distribution by its median absolute deviation."""

_FENCE = 6.0
"""Robust standard deviations from the night's median beyond which a session is an outlier."""


@attrs.frozen(kw_only=True)
class Noise:
    """Variance components of log latency.

    ``session_variance`` is w with ``session_df`` degrees of freedom; ``night_variance`` is b, zero
    where the nights differ no more than their sessions explain; ``night_df`` are the nights' own.
    """

    session_variance: float
    session_df: int
    night_variance: float
    night_df: int
    nights: int


@attrs.frozen(kw_only=True)
class Shift:
    """Tonight against the baseline. ``effect``: +0.03 is 3 % slower; ``ci95`` bounds it.

    ``p_slower`` is the chance of such a night without any change. ``detectable`` is the least
    slow-down found in 95 of 100 nights at this noise if the cell were alone. ``sd_units`` is the
    effect in standard deviations between sessions (Cohen's d).
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


def outliers(latencies: Sequence[float]) -> list[int]:
    """Indices of sessions apart from the rest of their night; none of fewer than five."""
    if len(latencies) < 5:
        return []
    values = np.log(latencies)
    away = np.abs(values - np.median(values))
    spread = max(_MAD_TO_SD * float(np.median(away)), _LEAST_SD)
    return [int(index) for index in np.flatnonzero(away > _FENCE * spread)]


def steady(latencies: Sequence[float]) -> list[float]:
    """A night's sessions without its outliers."""
    apart = set(outliers(latencies))
    return [value for index, value in enumerate(latencies) if index not in apart]


def estimate(groups: Sequence[Sequence[Sequence[float]]]) -> Noise:
    """Noise from recorded nights.

    Args:
        groups: builds, each a list of nights, each a list of latencies in milliseconds. Each build
            has a level of its own, so that what a change cost is not taken for noise.
    """
    nights = [[np.log(night) for night in group if len(night)] for group in groups]
    nights = [group for group in nights if group]
    flat = [night for group in nights for night in group]
    sizes = np.array([len(night) for night in flat], dtype=float)
    total, count = sizes.sum(), len(flat)
    session_df = int(total - count)
    night_df = count - len(nights)
    within = float(sum(((night - night.mean()) ** 2).sum() for night in flat))
    between = 0.0
    for group in nights:
        level = np.concatenate(group).mean()
        between += float(sum(len(night) * (night.mean() - level) ** 2 for night in group))
    if session_df == 0 or night_df == 0:
        spread = (within + between) / max(session_df + night_df, 1)
        return Noise(
            session_variance=max(spread, _LEAST_SD**2),
            session_df=session_df + night_df,
            night_variance=0.0,
            night_df=night_df,
            nights=count,
        )
    ms_within = max(within / session_df, _LEAST_SD**2)
    ms_between = between / night_df
    if ms_between > ms_within * special.fdtri(night_df, session_df, 1 - _POOLING_ALPHA):
        sessions_a_night = (total - (sizes**2).sum() / total) / (count - 1)
        return Noise(
            session_variance=ms_within,
            session_df=session_df,
            night_variance=(ms_between - ms_within) / sessions_a_night,
            night_df=night_df,
            nights=count,
        )
    df = session_df + night_df
    return Noise(
        session_variance=max((within + between) / df, _LEAST_SD**2),
        session_df=df,
        night_variance=0.0,
        night_df=night_df,
        nights=count,
    )


def shift(
    noise: Noise, level: Sequence[Sequence[float]], tonight: Sequence[float], *, cells: int = 1
) -> Shift:
    """Compares tonight's sessions with the nights that the baseline accepted.

    Args:
        noise: of the board.
        level: the accepted nights, each a list of latencies in milliseconds.
        tonight: at least one latency.
        cells: how many are judged in one night; ``detectable`` allows for them.
    """
    accepted = np.log(np.concatenate([np.asarray(night) for night in level]))
    now = np.log(tonight)
    weights = np.array([len(night) for night in level]) / len(accepted)
    variance = noise.session_variance * (1 / len(now) + 1 / len(accepted))
    variance += noise.night_variance * (1 + float((weights**2).sum()))
    df = noise.night_df if noise.night_variance > 0 else noise.session_df
    error = math.sqrt(variance)
    difference = float(now.mean() - accepted.mean())
    # scipy.special: stdtr is the distribution function of Student's t, stdtrit its inverse.
    half = -float(special.stdtrit(df, 0.025)) * error
    bound = -float(special.stdtrit(df, FAMILY_ALPHA / cells) + special.stdtrit(df, 0.05)) * error
    return Shift(
        effect=math.expm1(difference),
        ci95=(math.expm1(difference - half), math.expm1(difference + half)),
        p_slower=float(special.stdtr(df, -difference / error)),
        p_faster=float(special.stdtr(df, difference / error)),
        detectable=math.expm1(bound),
        sd_units=difference / math.sqrt(noise.session_variance + noise.night_variance),
        sessions=len(now),
        baseline_sessions=len(accepted),
        baseline_nights=len(level),
    )


def holm(p_values: Sequence[float], alpha: float = FAMILY_ALPHA) -> NDArray[Any]:
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
