"""What quantization does to each layer: sensitivity and saturation."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from host.distillation.inference import TfliteRunner
from host.models.graph import Graph
from host.models.tflite_writer import write_float_tflite

_MOST_SAMPLES = 32


def layer_errors(
    graph: Graph, quantized: bytes, samples: NDArray[np.float32]
) -> list[dict[str, Any]]:
    """Each op's output: how far it is from float32's, and the share of its values at int8's ends.

    Args:
        graph: the float model; ``quantized`` is the file made of it.
        samples: [n, *input shape], of which the first 32 are run.

    Returns:
        Plain JSON values, in the graph's order: ``name``, ``kind``, ``error_mean``,
        ``relative_error`` (a part of the output's range), ``saturated_share``.
    """
    exact = TfliteRunner(write_float_tflite(graph), preserve_all=True)
    coarse = TfliteRunner(quantized, preserve_all=True)
    names = [graph.tensors[op.outputs[0]].name for op in graph.ops]
    errors: dict[str, list[float]] = {name: [] for name in names}
    spans: dict[str, list[float]] = {name: [] for name in names}
    saturated: dict[str, list[float]] = {name: [] for name in names}
    for sample in samples[:_MOST_SAMPLES]:
        exact.run(sample)
        coarse.run(sample)
        expected, found, ends = exact.tensors(), coarse.tensors(), coarse.saturation()
        for name in names:
            if name in expected and name in found and expected[name].size == found[name].size:
                difference = expected[name].reshape(-1) - found[name].reshape(-1)
                errors[name].append(float(np.abs(difference).mean()))
                spans[name].append(float(np.ptp(expected[name])))
                saturated[name].append(ends.get(name, 0.0))
    return [
        {
            "name": name,
            "kind": str(op.kind),
            "error_mean": float(np.mean(errors[name])),
            "relative_error": float(np.mean(errors[name]) / (max(spans[name]) or 1.0)),
            "saturated_share": float(np.mean(saturated[name])),
        }
        for name, op in zip(names, graph.ops, strict=True)
        if errors[name]
    ]
