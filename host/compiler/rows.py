"""The weight layout ROWS4, packed and not: see :class:`protocol.plan.WeightLayout`."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

ROW_ALIGNMENT_BYTES = 4
INT4_MIN, INT4_MAX = -8, 7
_WORD_WEIGHTS = 8
_FIRST_BIT = np.array([0, 4, 16, 20, 8, 12, 24, 28], dtype=np.uint32)
"""Of each of a word's eight weights."""


def round_up(value: int, multiple: int) -> int:
    """The least multiple of ``multiple`` that is not below ``value``."""
    return -(-value // multiple) * multiple


def rows4(rows: NDArray[np.int8]) -> bytes:
    """int8 [rows, row] with each row zero-padded to a multiple of 4 bytes."""
    padding = round_up(rows.shape[1], ROW_ALIGNMENT_BYTES) - rows.shape[1]
    return np.pad(rows, ((0, 0), (0, padding))).tobytes()


def packed_rows4(rows: NDArray[np.int8]) -> bytes:
    """int8 [rows, row] of values that four bits hold, packed two a byte.

    Raises:
        ValueError: a value is not between -8 and 7.
    """
    if rows.min() < INT4_MIN or rows.max() > INT4_MAX:
        raise ValueError(f"weights from {rows.min()} to {rows.max()} do not fit four bits")
    padding = round_up(rows.shape[1], _WORD_WEIGHTS) - rows.shape[1]
    padded = np.pad(rows, ((0, 0), (0, padding))).reshape(-1, _WORD_WEIGHTS)
    nibbles = (padded - INT4_MIN).astype(np.uint32) << _FIRST_BIT
    words: NDArray[np.uint32] = np.bitwise_or.reduce(nibbles, axis=1)
    return words.astype("<u4").tobytes()
