"""Golden sets: samples that never change, with what every board must make of them."""

from hil.golden.golden_set import GoldenSet
from hil.golden.make import make_golden
from hil.golden.replay import replay
from hil.golden.result import ReplayResult
from hil.golden.storage import load_golden, save_golden

__all__ = [
    "GoldenSet",
    "ReplayResult",
    "load_golden",
    "make_golden",
    "replay",
    "save_golden",
]
