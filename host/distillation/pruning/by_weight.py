"""Unstructured pruning with fine-tuning: gradual, and each layer as far as it bears it."""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import NDArray

from host.distillation.pruning.fine_tuning import FineTuning
from host.distillation.pruning.magnitude import (
    Layer,
    apply_masks,
    magnitude_masks,
    prunable_layers,
    zero_share,
)
from host.distillation.pruning.outcome import PrunedGraph
from host.distillation.pruning.schedule import steps_of
from host.distillation.pruning.sensitivity import Curve, allocate, measure_curve, run
from host.errors import ModelError
from host.models.graph import Graph


def prune_weights(
    graph: Graph, sparsity: float, tuning: FineTuning, samples: NDArray[np.float32]
) -> PrunedGraph:
    """Zeroes a share of the weights; whoever is zero at the end stays so while training goes on.

    Args:
        samples: [n, *input shape] that the layers' sensitivity is measured on.

    Raises:
        ModelError: there are no weights to prune, or the loss is not finite.
    """
    layers = prunable_layers(graph)
    if not layers:
        raise ModelError(
            f"{graph.name}: has no convolution or matrix whose weights could be pruned"
        )
    tuning.progress(f"measuring the sensitivity of {len(layers)} layers")
    curves = _curves(graph, layers, samples)
    shares = allocate(curves, sparsity)

    def pruned(of: Graph, part: float) -> Graph:
        """``part`` of what is asked for, in every layer."""
        wanted = {layer.tensor: part * share for layer, share in zip(layers, shares, strict=True)}
        return apply_masks(of, magnitude_masks(of, wanted))

    trained = graph
    for step in steps_of(tuning.epochs):
        tuning.progress(f"pruning {step.reached * sparsity:.0%} of the weights")
        before = pruned(trained, step.reached)
        masks = {layer.tensor: _data(before, layer) != 0 for layer in layers}
        trained = tuning.train(before, step.epochs, masks)
    return PrunedGraph(
        at_once=pruned(graph, 1.0),
        graph=trained,
        removed_share=sum(zero_share(trained, layer) * layer.weights for layer in layers)
        / sum(layer.weights for layer in layers),
        curves={layer.tensor: curve for layer, curve in zip(layers, curves, strict=True)},
    )


def _curves(graph: Graph, layers: tuple[Layer, ...], samples: NDArray[np.float32]) -> list[Curve]:
    outputs = run(graph, samples)

    def pruned(layer: Layer, share: float) -> Graph:
        return apply_masks(graph, magnitude_masks(graph, {layer.tensor: share}))

    return [
        measure_curve(
            layer.name,
            layer.weights,
            partial(pruned, layer),
            samples,
            outputs,
        )
        for layer in layers
    ]


def _data(graph: Graph, layer: Layer) -> NDArray[np.float32]:
    data = graph.tensors[layer.tensor].data
    assert data is not None
    return data
