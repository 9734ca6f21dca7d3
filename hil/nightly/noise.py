"""How much a physical board's latency varies by itself.

Latencies are compared as logarithms, so that an effect is a ratio and a slow cell weighs no more
than a fast one. A session (connect, upload, run) gives one value, the median of its iterations;
what varies within it is far less than what varies from one to the next. Sessions of one night share
the room's temperature and the supply's voltage, so a night may have a deviation of its own:

    log latency = level + night + session,   var(night) = b, var(session) = w

Analysis of variance (Searle, Casella and McCulloch, "Variance Components", 1992, chapter 3) gives
each cell two mean squares: within nights, with the expectation w, from many sessions; and between
nights, with the expectation w + n b at n sessions a night, from few nights. Only the second says
how much a night's mean varies, so a night is judged by it and never by the first alone. It is
steadied by what cells share (hil/nightly/moderation.py): w by that of the same board's other cells,
the ratio of both by that of the night's other cells. No cell takes its scale from another board.

A session that something else disturbed is told by how far it is from the rest of its night,
measured by what is usual for its cell, and left out of past and present alike. What is left may be
skewed, as latencies are, and with it the mean of a dozen: the third moment is estimated too.
"""

from __future__ import annotations

import math
import statistics
from collections import defaultdict
from collections.abc import Sequence

import attrs
import numpy as np

from hil.nightly.moderation import moderate

MIN_NIGHTS = 5
"""With fewer recorded nights, the night-to-night variance is a guess and no latency is judged."""

_LEAST_SD = 2e-4
"""No two sessions are closer than this for a reason: the drift of a crystal with temperature. Keeps
a board that repeats itself to the tick from turning one tick into an alarm."""

_MAD_TO_SD = 1.4826
"""Standard deviation of a normal distribution by its median absolute deviation."""

_FENCE_SDS = 4.0
_FENCE_QUANTILE = 0.95
"""An outlier is farther from its night's median than so many of the cell's robust standard
deviations, and than all but 5 % of its past: what is frequent is no outlier, but noise."""

_LEAST_SESSIONS = 5
"""Of fewer nobody knows which is the odd one."""

Night = Sequence[float]
"""Latencies of a night's sessions, in milliseconds."""

Logs = list[float]
"""Their natural logarithms."""


@attrs.frozen(kw_only=True)
class Past:
    """What is known of one cell, without its outliers.

    ``board`` is equal for the cells of one physical board. ``level`` are the accepted nights;
    ``earlier`` those of builds before, each with a level of its own, so that what a change cost is
    not taken for noise. ``fence`` is how far in log latency a session is from its night's median at
    most.
    """

    board: str
    level: list[Logs]
    earlier: list[list[Logs]]
    fence: float

    @classmethod
    def of(
        cls, board: str, level: Sequence[Night], earlier: Sequence[Sequence[Night]] = ()
    ) -> Past:
        """From all sessions that were recorded."""
        builds = [[_logs(night) for night in build if night] for build in (level, *earlier)]
        fence = _fence([night for build in builds for night in build])
        level_logs, *earlier_logs = (
            [_without(night, _outliers(night, fence)) for night in build] for build in builds
        )
        return cls(board=board, level=level_logs, earlier=earlier_logs, fence=fence)


def _logs(night: Night) -> Logs:
    return [math.log(latency) for latency in night]


def _away(night: Logs) -> list[float]:
    middle = statistics.median(night)
    return [abs(value - middle) for value in night]


def _fence(nights: Sequence[Logs]) -> float:
    away: list[float] = []
    for night in nights:
        if len(night) > 1:
            # The median follows the sessions that it is of, the more the fewer they are.
            wider = math.sqrt(len(night) / (len(night) - 1))
            away += [wider * distance for distance in _away(night)]
    if not away:
        return math.inf
    away.sort()
    robust_sd = max(_MAD_TO_SD * statistics.median(away), _LEAST_SD)
    return max(_FENCE_SDS * robust_sd, away[math.ceil(_FENCE_QUANTILE * len(away)) - 1])


def _outliers(night: Logs, fence: float) -> list[int]:
    # A spread that keeps all within the fence is soon seen, and nearly always so.
    if len(night) < _LEAST_SESSIONS or max(night) - min(night) <= fence:
        return []
    return [index for index, distance in enumerate(_away(night)) if distance > fence]


def _without(values: Sequence[float], apart: Sequence[int]) -> list[float]:
    return [value for index, value in enumerate(values) if index not in apart]


def outliers(night: Night, fence: float) -> list[int]:
    """Indices of sessions apart from the rest of their night; none of fewer than five."""
    return _outliers(_logs(night), fence)


def steady(night: Night, fence: float) -> list[float]:
    """A night's sessions without its outliers."""
    return _without(night, outliers(night, fence))


@attrs.frozen(kw_only=True)
class Noise:
    """Variance components of log latency, and the degrees of freedom of a night's mean.

    ``night_variance`` is zero where the nights differ no more than their sessions explain. Where
    they differ by even less, ``session_variance`` is what they show. ``skewness`` is of sessions
    within their night: above 0, the slow ones are farther out than the fast ones.
    """

    session_variance: float
    night_variance: float
    skewness: float
    df: float


def estimate(cells: Sequence[Past]) -> list[Noise]:
    """Noise of each of the cells that are judged together, in their order.

    Raises:
        ValueError: a cell has no build with two nights.
    """
    squares = [_mean_squares((cell.level, *cell.earlier)) for cell in cells]
    within = np.array([square.within for square in squares])
    within_df = np.array([square.within_df for square in squares], dtype=float)
    by_board: dict[str, list[int]] = defaultdict(list)
    for index, (cell, square) in enumerate(zip(cells, squares, strict=True)):
        if square.within_df:
            by_board[cell.board].append(index)
    for indices in by_board.values():
        moderated = moderate(within[indices], within_df[indices])
        within[indices], within_df[indices] = moderated.value, moderated.df
    night = np.array([square.between for square in squares])
    night_df = np.array([square.between_df for square in squares], dtype=float)
    known = within_df > 0
    if known.any():
        ratio = moderate(night[known] / within[known], night_df[known], within_df[known])
        night[known] = ratio.value * within[known]
        night_df[known] = 1 / (1 / ratio.df + 1 / within_df[known])
    # One session a night tells nothing of sessions: all that varies is put down to the night.
    session = np.where(known, np.minimum(night, within), 0.0)
    return [
        Noise(
            session_variance=float(session[index]),
            night_variance=float(night[index] - session[index]) / square.sessions_a_night,
            skewness=square.skewness,
            df=float(night_df[index]),
        )
        for index, square in enumerate(squares)
    ]


@attrs.frozen(kw_only=True)
class _MeanSquares:
    """Analysis of variance of one cell; ``sessions_a_night`` is n of E(between) = w + n b."""

    within: float
    within_df: int
    between: float
    between_df: int
    sessions_a_night: float
    skewness: float


def _mean_squares(builds: Sequence[Sequence[Logs]]) -> _MeanSquares:
    within = between = cubes = effective = cubes_per_moment = 0.0
    within_df = between_df = 0
    for nights in builds:
        if not nights:
            continue
        sessions = sum(len(night) for night in nights)
        level = sum(sum(night) for night in nights) / sessions
        for night in nights:
            size = len(night)
            mean = sum(night) / size
            for value in night:
                from_mean = value - mean
                squared = from_mean * from_mean
                within += squared
                cubes += squared * from_mean
            cubes_per_moment += (size - 1) * (size - 2) / size
            between += size * (mean - level) ** 2
        effective += sessions - sum(len(night) ** 2 for night in nights) / sessions
        within_df += sessions - len(nights)
        between_df += len(nights) - 1
    if between_df < 1:
        raise ValueError("no build has two nights: how nights differ is unknown")
    variance = max(within / within_df, _LEAST_SD**2) if within_df else 0.0
    third_moment = cubes / cubes_per_moment if cubes_per_moment else 0.0
    return _MeanSquares(
        within=variance,
        within_df=within_df,
        between=max(between / between_df, _LEAST_SD**2),
        between_df=between_df,
        sessions_a_night=effective / between_df,
        skewness=third_moment / variance**1.5 if variance else 0.0,
    )
