"""Statistics over the timed iterations."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

from protocol.measurement import LatencyMs

_T_975 = (12.7062, 4.3027, 3.1824, 2.7764, 2.5706, 2.4469, 2.3646, 2.3060, 2.2622)
"""Student's t at 0.975 for 1 to 9 degrees of freedom, where the expansion below is too coarse."""


def student_t_975(degrees: int) -> float:
    """The 0.975 quantile of Student's t, to three decimals.

    From 10 degrees on the expansion in the normal quantile, Abramowitz and Stegun,
    "Handbook of Mathematical Functions", 1964, formula 26.7.5.
    """
    if degrees <= len(_T_975):
        return _T_975[degrees - 1]
    z = statistics.NormalDist().inv_cdf(0.975)
    return (
        z
        + (z**3 + z) / (4 * degrees)
        + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * degrees**2)
        + (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * degrees**3)
    )


def percentile(values: Sequence[float], percent: float) -> float:
    """Linear interpolation between the closest ranks (Hyndman and Fan, 1996, type 7)."""
    ordered = sorted(values)
    rank = (len(ordered) - 1) * percent / 100
    below = math.floor(rank)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (rank - below) * (ordered[above] - ordered[below])


def summarize(values_ms: Sequence[float], *, warmup: int, first_ms: float) -> LatencyMs:
    """Summarizes at least one latency; the warm-ups are not among ``values_ms``.

    ``ci95`` is the interval of the mean, mean ± t · s / √n. With one value there is no
    spread to report, and it and ``stdev`` are None.
    """
    n = len(values_ms)
    mean = statistics.fmean(values_ms)
    stdev: float | None = None
    ci95: tuple[float, float] | None = None
    if n > 1:
        stdev = statistics.stdev(values_ms)
        half = student_t_975(n - 1) * stdev / math.sqrt(n)
        ci95 = (mean - half, mean + half)
    return LatencyMs(
        n=n,
        warmup=warmup,
        first=first_ms,
        min=min(values_ms),
        median=statistics.median(values_ms),
        mean=mean,
        p95=percentile(values_ms, 95),
        p99=percentile(values_ms, 99),
        max=max(values_ms),
        stdev=stdev,
        ci95=ci95,
    )
