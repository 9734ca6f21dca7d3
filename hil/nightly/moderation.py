"""Variances of many cells, each estimated from few nights, made steadier by what they share.

Smyth, "Linear models and empirical Bayes methods for assessing differential expression" (2004),
as limma does it for genes: the true variances are taken to scatter around a common one as a scaled
inverse chi-square does. How widely they scatter is learned from the estimates themselves, so cells
that agree are pooled and cells that differ stay on their own. A t test with the moderated variance
and its degrees of freedom keeps its error rate.
"""

from __future__ import annotations

import math

import attrs
import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special


@attrs.frozen
class Moderated:
    """``value`` and ``df``: float64, shape (n,)."""

    value: NDArray[np.float64]
    df: NDArray[np.float64]


def moderate(estimates: ArrayLike, df: ArrayLike, below_df: ArrayLike = math.inf) -> Moderated:
    """Draws each estimate towards what all have in common.

    Args:
        estimates: variances, or ratios of two variances; positive, shape (n,).
        df: degrees of freedom of each, at least 1.
        below_df: those of a ratio's denominator.
    """
    own = np.asarray(estimates, dtype=float)
    own_df = np.broadcast_to(np.asarray(df, dtype=float), own.shape)
    below = np.broadcast_to(np.asarray(below_df, dtype=float), own.shape)
    if len(own) < 2:
        return Moderated(own, own_df)
    # log of a chi-square over its df: mean bias(df), variance trigamma(df / 2).
    logs = np.log(own) - _bias(own_df) + _bias(below)
    sampling = special.polygamma(1, own_df / 2) + special.polygamma(1, below / 2)
    scatter = float(logs.var(ddof=1) - sampling.mean())
    total_df = own_df.sum()
    if scatter <= 0:
        common = float((own_df * own).sum() / total_df)
        return Moderated(np.full(own.shape, common), np.full(own.shape, total_df))
    prior_df = 2 * _inverse_trigamma(scatter)
    prior = math.exp(float(logs.mean()) + float(_bias(np.array(prior_df))))
    return Moderated(
        (prior_df * prior + own_df * own) / (prior_df + own_df),
        np.minimum(prior_df + own_df, total_df),
    )


def _bias(df: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean of log(chi-square / df); 0 for infinitely many."""
    finite = np.where(np.isfinite(df), df, 1.0)
    bias = special.digamma(finite / 2) - np.log(finite / 2)
    return np.where(np.isfinite(df), bias, 0.0)


def _inverse_trigamma(value: float) -> float:
    """Newton's method on 1 / trigamma, which is convex and nearly linear (Smyth 2004, appendix)."""
    if value > 1e7:
        return 1 / math.sqrt(value)
    if value < 1e-6:
        return 1 / value
    y = 0.5 + 1 / value
    for _ in range(50):
        trigamma = float(special.polygamma(1, y))
        step = trigamma * (1 - trigamma / value) / float(special.polygamma(2, y))
        y += step
        if -step / y < 1e-8:
            break
    return y
