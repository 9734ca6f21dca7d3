"""How right outputs are: of a torch module, of a ``.tflite``, of another computer's engine."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from host.distillation.inference import TfliteRunner
from host.distillation.training.data import TrainingData
from host.models.graph import Graph
from host.models.tflite_writer import write_float_tflite


def top1(outputs: NDArray[np.float32], labels: NDArray[np.int64]) -> float:
    """Share of rows whose largest entry stands at the label.

    ``outputs`` [n, classes], or [n, 1]: the probability of class 1.
    """
    found = outputs[:, 0] >= 0.5 if outputs.shape[1] == 1 else outputs.argmax(axis=1)
    return float((found == labels).mean())


def mean_error(outputs: NDArray[np.float32], expected: NDArray[Any]) -> float:
    """Mean absolute difference, [n, elements] both."""
    return float(np.abs(outputs - expected).mean())


def evaluate(model: Graph | bytes, data: TrainingData) -> float:
    """Of a float graph or a ``.tflite`` with one output: top-1 accuracy where labels are classes,
    else the mean absolute error.

    Raises:
        ModelError: LiteRT refuses the model.
        ValueError: the data has no labels.
    """
    if data.labels is None:
        raise ValueError("data without labels judges nothing")
    tflite = write_float_tflite(model) if isinstance(model, Graph) else model
    outputs = TfliteRunner(tflite).run_all(data.inputs[0])
    return (top1 if data.is_classified else mean_error)(outputs, data.labels)
