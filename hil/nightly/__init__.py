"""Nights of measurements: what is accepted as right, and what has become worse since."""

from hil.nightly.baseline import Baseline, accept, load_baseline, save_baseline
from hil.nightly.compare import compare
from hil.nightly.verdicts import CellVerdict, NightVerdict, Status

__all__ = [
    "Baseline",
    "CellVerdict",
    "NightVerdict",
    "Status",
    "accept",
    "compare",
    "load_baseline",
    "save_baseline",
]
