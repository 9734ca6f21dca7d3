"""What an application does with an output: takes its best class, rejects it, or uses the value."""

from __future__ import annotations

from enum import StrEnum

import attrs
import numpy as np
from numpy.typing import NDArray


class DecisionKind(StrEnum):
    TOP1 = "top1"
    """The class with the highest score; of equal ones the first."""
    VALUE = "value"
    """The output is a quantity: right within the tolerance."""


@attrs.frozen(eq=False)
class Decisions:
    """Of n samples. ``classes``: int32 [n], None of values. ``rejected``: bool [n]."""

    classes: NDArray[np.int32] | None
    rejected: NDArray[np.bool_]


@attrs.frozen(kw_only=True)
class DecisionRule:
    """``reject_threshold``: a best score under it is no decision; None: none is rejected."""

    kind: DecisionKind
    reject_threshold: float | None = None

    def decide(self, output: NDArray[np.float32]) -> Decisions:
        """Decides on output 0 of n samples, real numbers, [n, elements]."""
        if self.kind is DecisionKind.VALUE:
            return Decisions(None, np.zeros(len(output), bool))
        best = output.max(axis=1)
        threshold = -np.inf if self.reject_threshold is None else self.reject_threshold
        return Decisions(output.argmax(axis=1).astype(np.int32), best < np.float32(threshold))


def distances(one: NDArray[np.float32], other: NDArray[np.float32]) -> NDArray[np.float64]:
    """Mean absolute difference of each sample's elements, [n] of [n, elements].

    The measure of the profile's ``int8_error_mean`` and of ``--tolerance``, sample by sample.
    """
    difference = np.abs(one.astype(np.float64) - other)
    return np.asarray(difference.mean(axis=1), np.float64)
