"""Fits cycles as a sum of counts, each with a weight of no less than zero."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet

import attrs
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

FOLDS = 5
INTERVAL = 0.9
"""Part of the results that a prediction interval is to hold."""
_LEAST_SAMPLES = 4


@attrs.frozen
class Residuals:
    """Relative errors of predictions for samples that the fit had not seen, as parts of 1."""

    count: int
    median: float
    p90: float
    p95: float
    largest: float

    @classmethod
    def of(cls, errors: NDArray[np.float64]) -> Residuals:
        sizes = np.abs(errors)
        p90, p95 = (float(np.quantile(sizes, q, method="higher")) for q in (INTERVAL, 0.95))
        return cls(len(sizes), float(np.median(sizes)), p90, p95, float(sizes.max()))


@attrs.frozen
class Fit:
    """Cycles per count, and how well they foretold what they were not fitted to."""

    weights: dict[str, float]
    residuals: Residuals

    def cycles(self, counts: Mapping[str, float]) -> float:
        return sum(self.weights.get(name, 0.0) * value for name, value in counts.items())


def fit(
    counts: Sequence[Mapping[str, float]],
    cycles: Sequence[float],
    *,
    names: AbstractSet[str] | None = None,
    judged: Sequence[bool] | None = None,
) -> Fit | None:
    """Weights with the least relative errors; None where there are too few samples.

    The residuals are of a cross-validation: every sample is foretold by a fit without it.

    Args:
        names: the counts that may have a weight; None: all.
        judged: which samples the residuals are of; None: all.
    """
    chosen = np.ones(len(counts), bool) if judged is None else np.array(judged, bool)
    if int(chosen.sum()) < _LEAST_SAMPLES:
        return None
    known = {name for entry in counts for name in entry}
    columns = sorted(known if names is None else known & names)
    matrix = np.array([[entry.get(name, 0.0) for name in columns] for entry in counts])
    target = np.asarray(cycles, dtype=np.float64)
    fold_of = np.arange(len(target)) % min(FOLDS, len(target))
    errors = np.empty(len(target))
    for fold in np.unique(fold_of):
        left_out = fold_of == fold
        foretold = matrix[left_out] @ _solve(matrix[~left_out], target[~left_out])
        errors[left_out] = foretold / target[left_out] - 1.0
    solution = _solve(matrix, target)
    weights = {name: float(w) for name, w in zip(columns, solution, strict=True) if w > 0.0}
    return Fit(weights, Residuals.of(errors[chosen]))


def _solve(matrix: NDArray[np.float64], cycles: NDArray[np.float64]) -> NDArray[np.float64]:
    """Every row divided by its cycles: an op of few cycles counts as much as one of many."""
    relative = matrix / cycles[:, None]
    scale = np.linalg.norm(relative, axis=0)
    scale[scale == 0.0] = 1.0
    solution, _ = nnls(relative / scale, np.ones(len(cycles)))
    result: NDArray[np.float64] = solution / scale
    return result
