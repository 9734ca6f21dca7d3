"""What a compressed model is worth, on samples that no part of its making has seen."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np
from numpy.typing import NDArray

from host.distillation.inference import TfliteRunner
from host.distillation.training.accuracy import top1
from host.distillation.training.data import TrainingData
from host.targeting.accuracy import compare


@attrs.frozen(eq=False, kw_only=True)
class HoldOut:
    """Samples, with what the original model says of each: [n, elements] real numbers."""

    data: TrainingData
    expected: NDArray[np.float32]

    @property
    def output_range(self) -> tuple[float, float]:
        return float(self.expected.min()), float(self.expected.max())

    @property
    def accuracy(self) -> float | None:
        """The original's own; None without labels of classes."""
        return self._accuracy(self.expected)

    def worth_of(self, tflite: bytes, samples: TrainingData | None = None) -> dict[str, Any]:
        """Errors and agreements with the original as ``compare`` has them, and ``accuracy``.

        Args:
            tflite: float or quantized, with one input.
            samples: the hold-out's as this model takes them, where that is not as the original
                does.

        Raises:
            ModelError: LiteRT refuses the model.
        """
        given = self.data if samples is None else samples
        outputs = TfliteRunner(tflite).run_all(given.inputs[0])
        return {
            "samples": len(outputs),
            **compare(self.expected, outputs),
            "accuracy": self._accuracy(outputs),
        }

    def gated(self, worth: dict[str, Any]) -> float:
        """The error that is held against a tolerance, as ``host target`` chooses it: a part of the
        output's range where outputs are not within 0..1."""
        low, high = self.output_range
        return float(worth["mean" if 0.0 <= low <= high <= 1.0 else "relative_mean"])

    def _accuracy(self, outputs: NDArray[np.float32]) -> float | None:
        if not self.data.is_classified:
            return None
        assert self.data.labels is not None
        return top1(outputs, self.data.labels)
