"""The weight layout ROWS4: see :class:`protocol.plan.WeightLayout`."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

ROW_ALIGNMENT_BYTES = 4


def round_up(value: int, multiple: int) -> int:
    """The least multiple of ``multiple`` that is not below ``value``."""
    return -(-value // multiple) * multiple


def rows4(rows: NDArray[np.int8]) -> bytes:
    """int8 [rows, row] with each row zero-padded to a multiple of 4 bytes."""
    padding = round_up(rows.shape[1], ROW_ALIGNMENT_BYTES) - rows.shape[1]
    return np.pad(rows, ((0, 0), (0, padding))).tobytes()
