"""Structured pruning with fine-tuning: the least important channels leave the graph, by steps."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from functools import partial

import numpy as np
from numpy.typing import NDArray

from host.distillation.pruning.channels import ChannelGroup, Channels, find_channels
from host.distillation.pruning.fine_tuning import FineTuning
from host.distillation.pruning.outcome import PrunedGraph
from host.distillation.pruning.schedule import steps_of
from host.distillation.pruning.sensitivity import Curve, allocate, measure_curve, run
from host.distillation.pruning.structured import (
    importance,
    kept_count,
    least_important,
    remove_channels,
    taylor_importance,
    zero_channels,
)
from host.distillation.training import require_torch
from host.distillation.training.data import TrainingData
from host.errors import ModelError
from host.models.graph import Graph


class Importance(StrEnum):
    """What a channel is worth: a norm of its filters, or what the loss says of them."""

    L1 = "l1"
    L2 = "l2"
    TAYLOR = "taylor"


def prune_channels(
    graph: Graph,
    sparsity: float,
    tuning: FineTuning,
    samples: NDArray[np.float32],
    by: Importance = Importance.L1,
) -> PrunedGraph:
    """Removes a share of the channels, where they are missed least, and trains in between.

    Args:
        samples: [n, *input shape] that the groups' sensitivity is measured on.

    Raises:
        ConfigError: torch is needed and not installed.
        ModelError: no channel can be removed, or the loss is not finite.
    """
    channels = find_channels(graph)
    if all(len(group.channels) == 1 for group in channels.groups):
        raise ModelError(
            f"{graph.name}: no channel can be removed: all reach an output or belong to an input",
            hint="leave out --structured to zero weights instead",
        )
    scores = _scores(graph, channels, by, tuning.split.train)
    tuning.progress(f"measuring the sensitivity of {len(channels.groups)} groups of channels")
    curves = _curves(graph, channels, scores, samples)
    shares = allocate(curves, sparsity)

    def pruned(of: Graph, left: Channels, part: float) -> tuple[Graph, Channels]:
        """``part`` of what is asked for; what was trained in between changes who matters."""
        worth = _scores(of, left, by, tuning.split.train)
        removed = np.concatenate(
            [
                least_important(group, worth, kept_count(curve.size, part * share))
                for group, curve, share in zip(left.groups, curves, shares, strict=True)
            ]
        )
        return remove_channels(of, left, removed), left.without(removed)

    trained, left = graph, channels
    for step in steps_of(tuning.epochs):
        tuning.progress(f"removing {step.reached * sparsity:.0%} of the channels")
        smaller, left = pruned(trained, left, step.reached)
        trained = tuning.train(smaller, step.epochs)
    return PrunedGraph(
        at_once=pruned(graph, channels, 1.0)[0],
        graph=trained,
        removed_share=1.0 - left.count / channels.count,
        curves=_by_weights(graph, channels, curves),
    )


def _scores(
    graph: Graph, channels: Channels, by: Importance, data: TrainingData
) -> dict[int, float]:
    if by is not Importance.TAYLOR:
        return importance(graph, channels, str(by))
    require_torch()
    from host.distillation.training.gradients import gradients
    from host.distillation.training.losses import label_loss
    from host.distillation.training.module import GraphModule

    return taylor_importance(graph, channels, gradients(GraphModule(graph), data, label_loss))


def _curves(
    graph: Graph,
    channels: Channels,
    scores: Mapping[int, float],
    samples: NDArray[np.float32],
) -> list[Curve]:
    outputs = run(graph, samples)

    def pruned(group: ChannelGroup, share: float) -> Graph:
        keep = kept_count(len(group.channels), share, multiple=1)
        return zero_channels(graph, channels, least_important(group, scores, keep))

    return [
        measure_curve(
            graph.tensors[graph.ops[group.producers[0]].outputs[0]].name,
            len(group.channels),
            partial(pruned, group),
            samples,
            outputs,
        )
        for group in channels.groups
    ]


def _by_weights(graph: Graph, channels: Channels, curves: list[Curve]) -> dict[int, Curve]:
    """The curve of a group is that of all layers that write its channels."""
    found = {}
    for group, curve in zip(channels.groups, curves, strict=True):
        for op in group.producers:
            weights = graph.ops[op].inputs[1]
            assert weights is not None
            found[weights] = curve
    return found
