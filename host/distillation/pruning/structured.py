"""Channels taken out of a graph: smaller tensors, fewer multiply-accumulates."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import attrs
import numpy as np
from numpy.typing import NDArray

from host.distillation.pruning.channels import ChannelGroup, Channels
from host.distillation.pruning.labels import Labels
from host.models.graph import Graph, Op, OpKind, Tensor

ROWS_OF_A_KERNEL = 4
"""Filters that the kernels compute at a time: three or four of them take the same time."""

_NORM_ORDERS = {"l1": 1, "l2": 2}


def importance(graph: Graph, channels: Channels, norm: str = "l1") -> dict[int, float]:
    """By channel, the norm of the filters that write it, each as a part of its layer's mean.

    Li et al. 2017 ("Pruning filters for efficient ConvNets") rank by L1. Where several layers share
    a channel, their parts are added, as one layer's scale says nothing of another's.

    Args:
        norm: ``l1`` or ``l2``.
    """
    found: dict[int, float] = {}
    for filters in channels.filters:
        data = graph.tensors[filters.cut.tensor].data
        assert data is not None
        rows = np.moveaxis(data, filters.cut.axis, 0).reshape(len(filters.cut.labels), -1)
        norms = np.linalg.norm(rows.astype(np.float64), ord=_NORM_ORDERS[norm], axis=1)
        parts = norms / (norms.mean() or 1.0)
        for label, part in zip(filters.cut.labels.tolist(), parts.tolist(), strict=True):
            found[label] = found.get(label, 0.0) + part
    return found


def taylor_importance(
    graph: Graph, channels: Channels, gradients: Iterable[Mapping[int, NDArray[np.float32]]]
) -> dict[int, float]:
    """By channel, the square of what the loss would change by without the filters that write it.

    Molchanov et al. 2019 ("Importance estimation for neural network pruning"), equation 8: the
    first-order term, summed over a filter's weights and averaged over batches.

    Args:
        gradients: of the loss by tensor of weights, once a batch.
    """
    found: dict[int, float] = {}
    for of_batch in gradients:
        changes: dict[int, float] = {}
        for filters in channels.filters:
            data = graph.tensors[filters.cut.tensor].data
            assert data is not None
            terms = (data * of_batch[filters.cut.tensor]).astype(np.float64)
            across = tuple(axis for axis in range(terms.ndim) if axis != filters.cut.axis)
            sums = terms.sum(axis=across).tolist()
            for label, change in zip(filters.cut.labels.tolist(), sums, strict=True):
                changes[label] = changes.get(label, 0.0) + change
        for label, change in changes.items():
            found[label] = found.get(label, 0.0) + change * change
    return found


def kept_count(count: int, share: float, multiple: int = ROWS_OF_A_KERNEL) -> int:
    """How many of ``count`` channels stay where about ``share`` of them go: never none, and a
    multiple of ``multiple`` where there are enough for two of these."""
    kept = count * (1.0 - share)
    if count >= 2 * multiple:
        kept = multiple * max(1, round(kept / multiple))
    return min(count, max(1, round(kept)))


def least_important(group: ChannelGroup, scores: Mapping[int, float], keep: int) -> Labels:
    """The channels to remove of a group, so that no more than ``keep`` stay."""
    ranked = sorted(group.channels.tolist(), key=lambda label: (scores[label], label))
    return np.array(ranked[: max(0, len(ranked) - keep)], np.int32)


def remove_channels(graph: Graph, channels: Channels, removed: Labels) -> Graph:
    """The graph without these channels; names and the order of tensors and ops stay.

    Weights lose the filters that wrote a removed channel and the inputs that read it: the same as
    the graph with both of these zero (:func:`zero_channels`).
    """
    tensors = list(graph.tensors)
    for cut in channels.cuts:
        kept = _kept(cut.labels, removed)
        if kept.all():
            continue
        tensor = tensors[cut.tensor]
        shape = list(tensor.shape)
        shape[cut.axis] = int(kept.sum())
        data = None if tensor.data is None else np.compress(kept, tensor.data, axis=cut.axis)
        tensors[cut.tensor] = attrs.evolve(tensor, shape=tuple(shape), data=data)
    return attrs.evolve(graph, tensors=tensors, ops=[_fitted(op, tensors) for op in graph.ops])


def zero_channels(graph: Graph, channels: Channels, removed: Labels) -> Graph:
    """The graph as it is, with zeros for all constants of these channels."""
    tensors = list(graph.tensors)
    for cut in channels.cuts:
        tensor = tensors[cut.tensor]
        if tensor.data is None:
            continue
        kept = _kept(cut.labels, removed)
        aligned = kept.reshape((-1,) + (1,) * (tensor.data.ndim - cut.axis - 1))
        tensors[cut.tensor] = attrs.evolve(tensor, data=np.where(aligned, tensor.data, 0))
    return attrs.evolve(graph, tensors=tensors)


def _kept(labels: Labels, removed: Labels) -> NDArray[np.bool_]:
    return ~np.isin(labels, removed)


def _fitted(op: Op, tensors: list[Tensor]) -> Op:
    """The op, with the one attribute that follows from its channels."""
    attributes = dict(op.attributes)
    if op.kind is OpKind.DEPTHWISE_CONV_2D:
        assert op.inputs[0] is not None
        written, read = tensors[op.outputs[0]].shape[3], tensors[op.inputs[0]].shape[3]
        attributes["depth_multiplier"] = written // read
    return attrs.evolve(op, inputs=list(op.inputs), outputs=list(op.outputs), attributes=attributes)
