"""How far a quantized model's outputs are from the float model's, over a hold-out."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_NEAR_THRESHOLD = 0.1
"""Decisions are looked at where the float's two best are nearer than this part of its range."""


def compare(expected: NDArray[np.float32], found: NDArray[np.float32]) -> dict[str, Any]:
    """Errors and agreements of outputs [n, elements]; relative ones are parts of the output range.

    Rank correlation is Spearman's, averaged over the samples; None of outputs with one element,
    as is every agreement on classes.
    """
    difference = np.abs(found.astype(np.float64) - expected)
    span = float(expected.max() - expected.min()) or 1.0
    classes = expected.shape[1] > 1
    return {
        "mean": float(difference.mean()),
        "relative_mean": float(difference.mean()) / span,
        "worst": float(difference.max()),
        "relative_worst": float(difference.max()) / span,
        "top1_agreement": _top_agreement(expected, found, 1) if classes else None,
        "top3_agreement": _top_agreement(expected, found, 3) if classes else None,
        "rank_correlation": _rank_correlation(expected, found) if classes else None,
        "near_threshold_agreement": _near_agreement(expected, found, span) if classes else None,
    }


def _top_agreement(expected: NDArray[Any], found: NDArray[Any], count: int) -> float:
    """Share of samples whose best class of the float is among the ``count`` best found."""
    best = expected.argmax(axis=1)
    top = np.argsort(-found, axis=1, kind="stable")[:, :count]
    return float((top == best[:, np.newaxis]).any(axis=1).mean())


def _ranks(values: NDArray[Any]) -> NDArray[np.float64]:
    """Centred ranks of one sample; ties, which quantization makes many of, share their mean."""
    _, which, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    ranks = (last - (counts - 1) / 2)[which]
    return np.asarray(ranks - ranks.mean(), np.float64)


def _rank_correlation(expected: NDArray[Any], found: NDArray[Any]) -> float | None:
    """None where every sample's outputs are all alike, of one or of the other."""
    correlations = []
    for one, other in zip(expected, found, strict=True):
        a, b = _ranks(one), _ranks(other)
        norm = float(np.sqrt((a * a).sum() * (b * b).sum()))
        if norm > 0:
            correlations.append(float((a * b).sum()) / norm)
    return float(np.mean(correlations)) if correlations else None


def _near_agreement(expected: NDArray[Any], found: NDArray[Any], span: float) -> float | None:
    """Agreement on the class where the decision was close; None where none was."""
    two_best = np.sort(expected, axis=1)[:, -2:]
    near = two_best[:, 1] - two_best[:, 0] < _NEAR_THRESHOLD * span
    if not near.any():
        return None
    return float((expected[near].argmax(axis=1) == found[near].argmax(axis=1)).mean())
