"""Labels of elements, and which of them are the same channel by now: a union-find over arrays."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Labels = NDArray[np.int32]

KEPT = 0
"""The label of what is never removed: the model's inputs and outputs, and what they are tied to."""


class Ties:
    """Labels that were tied share a root; :data:`KEPT` is the root of all that are tied to it."""

    def __init__(self) -> None:
        self._parents = [KEPT]

    def new(self, count: int) -> Labels:
        """Labels that are tied to nothing yet."""
        first = len(self._parents)
        labels = np.arange(first, first + count, dtype=np.int32)
        self._parents.extend(labels.tolist())
        return labels

    def roots(self, labels: Labels) -> Labels:
        """Each label's root, in the same shape."""
        table = np.array(self._parents, np.int32)
        while not np.array_equal(table, table[table]):
            table = table[table]
        return table[labels]

    def tie(self, one: Labels, other: Labels) -> None:
        """Makes the labels at each place one; the smaller root wins, and so KEPT always does."""
        count = len(self._parents)
        pairs = np.unique(one.astype(np.int64) * count + other)
        for first, second in zip((pairs // count).tolist(), (pairs % count).tolist(), strict=True):
            low, high = sorted((self._root(first), self._root(second)))
            self._parents[high] = low

    def keep(self, labels: Labels) -> None:
        self.tie(labels, np.zeros_like(labels))

    def axis_of(self, labels: Labels) -> tuple[int, Labels] | None:
        """The axis along which alone the labels vary, and these; the last where none do."""
        roots = self.roots(labels)
        for axis in reversed(range(roots.ndim)):
            least, most = _ends(roots, axis)
            if np.array_equal(least, most):
                return axis, least
        return None

    def along(self, labels: Labels, axis: int) -> Labels:
        """The labels along ``axis``; where they vary along another, all of them are kept."""
        least, most = _ends(self.roots(labels), axis)
        if not np.array_equal(least, most):
            self.keep(labels)
            return np.zeros_like(least)
        return least

    def _root(self, label: int) -> int:
        while self._parents[label] != label:
            self._parents[label] = self._parents[self._parents[label]]
            label = self._parents[label]
        return label


def _ends(roots: Labels, axis: int) -> tuple[Labels, Labels]:
    """The smallest and the largest root at each index of ``axis``."""
    across = tuple(index for index in range(roots.ndim) if index != axis)
    return roots.min(axis=across), roots.max(axis=across)
