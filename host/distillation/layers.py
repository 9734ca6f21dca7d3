"""What quantization does to each layer: error, saturation and sensitivity."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from host.distillation.inference import TfliteRunner
from host.distillation.quantization import Quantized, quantize_alone
from host.models.graph import Graph
from host.models.tflite_writer import write_float_tflite

_MOST_SAMPLES = 32
_MOST_SAMPLES_ALONE = 16
"""Every layer runs the whole model that often."""


def layer_errors(
    graph: Graph, quantized: Quantized, samples: NDArray[np.float32]
) -> list[dict[str, Any]]:
    """How far each op's output is from float32's, and what the op alone does to the model's.

    Args:
        graph: the float model; ``quantized`` was made of it.
        samples: [n, *input shape], of which some are run, as far apart as can be.

    Returns:
        Plain JSON values, in the graph's order: ``name``, ``kind``; of the op's own output, with
        what came before it quantized too, ``error_mean``, ``relative_error`` (a part of its range)
        and ``saturated_share`` (of values at an end of int8); ``sensitivity``, the mean error of
        the model's output where this op alone is quantized.

    Raises:
        ModelError: the quantizer refuses the model.
    """
    model = write_float_tflite(graph)
    exact = TfliteRunner(model, preserve_all=True)
    coarse = TfliteRunner(quantized.tflite, preserve_all=True)
    names = [graph.tensors[op.outputs[0]].name for op in graph.ops]
    errors: dict[str, list[float]] = {name: [] for name in names}
    spans: dict[str, list[float]] = {name: [] for name in names}
    saturated: dict[str, list[float]] = {name: [] for name in names}
    for sample in _spread(samples, _MOST_SAMPLES):
        exact.run(sample)
        coarse.run(sample)
        expected, found, ends = exact.tensors(), coarse.tensors(), coarse.saturation()
        for name in names:
            if name in expected and name in found and expected[name].size == found[name].size:
                difference = expected[name].reshape(-1) - found[name].reshape(-1)
                errors[name].append(float(np.abs(difference).mean()))
                spans[name].append(float(np.ptp(expected[name])))
                saturated[name].append(ends.get(name, 0.0))
    few = _spread(samples, _MOST_SAMPLES_ALONE)
    outputs = exact.run_all(few)
    return [
        {
            "name": name,
            "kind": str(op.kind),
            "error_mean": float(np.mean(errors[name])),
            "relative_error": float(np.mean(errors[name]) / (max(spans[name]) or 1.0)),
            "saturated_share": float(np.mean(saturated[name])),
            "sensitivity": _error(TfliteRunner(quantize_alone(graph, op, quantized)), few, outputs),
        }
        for name, op in zip(names, graph.ops, strict=True)
        if errors[name]
    ]


def _spread(samples: NDArray[np.float32], most: int) -> NDArray[np.float32]:
    """Samples often lie sorted by class, so that the first ones are all alike."""
    chosen = np.linspace(0, len(samples) - 1, min(most, len(samples)))
    return np.take(samples, chosen.round().astype(int), axis=0)


def _error(
    runner: TfliteRunner, samples: NDArray[np.float32], outputs: NDArray[np.float32]
) -> float:
    return float(np.abs(runner.run_all(samples) - outputs).mean())
