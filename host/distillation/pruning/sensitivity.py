"""How much each part of a model can lose, and what each loses so that the whole loses enough."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import attrs
import numpy as np
from numpy.typing import NDArray

from host.distillation.calibration import spread
from host.distillation.inference import TfliteRunner
from host.models.graph import Graph
from host.models.tflite_writer import write_float_tflite

LEVELS = (0.25, 0.5, 0.75, 0.9)
"""Shares of a part that are tried, with all other parts whole."""

SPREAD = 0.5
"""A part loses this much less, or more, of the share asked for, at most: a curve measured with the
other parts whole says little of what is far from there."""

MOST_REMOVED = 0.95
_STEPS = 60
_MOST_SAMPLES = 128


@attrs.frozen
class Curve:
    """A part's ``size`` (weights or channels), and what losing shares of it does alone.

    ``errors``: the mean absolute difference of the model's output, at each of :data:`LEVELS`.
    """

    name: str
    size: int
    errors: tuple[float, ...]

    def share_at(self, error: float) -> float:
        """The largest share at which the error is not above that, between levels on a line."""
        points = [(0.0, 0.0), *zip(LEVELS, np.maximum.accumulate(self.errors), strict=True)]
        for (share, at), (next_share, above) in pairwise(points):
            if above > error:
                return float(share + (next_share - share) * (error - at) / (above - at))
        return MOST_REMOVED


def measure_curve(
    name: str,
    size: int,
    pruned: Callable[[float], Graph],
    samples: NDArray[np.float32],
    outputs: NDArray[np.float32],
) -> Curve:
    """Runs the model at each level.

    Args:
        pruned: the model with a share of this part gone.
        samples: [n, *input shape] of validation data; ``outputs`` [n, ...] the whole model's.
    """
    errors = (np.abs(run(pruned(level), samples) - outputs).mean() for level in LEVELS)
    return Curve(name, size, tuple(map(float, errors)))


def run(graph: Graph, samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """[n, output elements] of a float graph, by LiteRT."""
    runner = TfliteRunner(write_float_tflite(graph), optimized=True)
    return runner.run_all(samples)


def some_of(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """As many as tell the parts apart: each level of each part runs them all."""
    return spread(samples, _MOST_SAMPLES)


def allocate(curves: Sequence[Curve], share: float) -> list[float]:
    """What each part loses, so that together they lose ``share`` of their sizes.

    All lose up to the same error (Han et al. 2015, section 3: thresholds by sensitivity), within
    :data:`SPREAD` of what was asked for.
    """
    low = share * (1.0 - SPREAD)
    high = min(share * (1.0 + SPREAD), max(share, MOST_REMOVED))
    sizes = np.array([curve.size for curve in curves], np.float64)

    def shares_at(error: float) -> NDArray[np.float64]:
        return np.clip([curve.share_at(error) for curve in curves], low, high)

    least, most = 0.0, max(max(curve.errors) for curve in curves)
    for _ in range(_STEPS):
        middle = (least + most) / 2
        if float((shares_at(middle) * sizes).sum()) < share * sizes.sum():
            least = middle
        else:
            most = middle
    shares = shares_at(most)
    # Where all curves are flat the error tells nothing apart: scaled to what was asked for.
    scale = share * float(sizes.sum()) / float((shares * sizes).sum())
    return [float(each) for each in np.clip(shares * scale, 0.0, high)]
