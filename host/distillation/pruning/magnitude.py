"""Unstructured pruning: the smallest weights of each layer become zero, and stay so."""

from __future__ import annotations

from collections.abc import Mapping

import attrs
import numpy as np
from numpy.typing import NDArray

from host.models.graph import Graph, OpKind

Masks = dict[int, NDArray[np.bool_]]
"""By tensor of weights: True where a weight stays."""

_WITH_WEIGHTS = (OpKind.CONV_2D, OpKind.DEPTHWISE_CONV_2D, OpKind.FULLY_CONNECTED)


@attrs.frozen
class Layer:
    """Weights and the first op that has them; biases are few and are not pruned."""

    name: str
    kind: OpKind
    tensor: int
    weights: int


def prunable_layers(graph: Graph) -> tuple[Layer, ...]:
    """In the graph's order; weights that ops share are one layer."""
    found: dict[int, Layer] = {}
    for op in graph.ops:
        index = op.inputs[1] if op.kind in _WITH_WEIGHTS else None
        if index is not None and graph.tensors[index].data is not None:
            output = graph.tensors[op.outputs[0]].name
            layer = Layer(output, op.kind, index, graph.tensors[index].elements)
            found.setdefault(index, layer)
    return tuple(found.values())


def magnitude_masks(graph: Graph, shares: Mapping[int, float]) -> Masks:
    """Keeps the weights of the largest magnitude of each layer.

    Args:
        shares: by tensor of weights, the share of them that becomes zero.
    """
    masks = {}
    for index, share in shares.items():
        data = graph.tensors[index].data
        assert data is not None
        zeros = round(share * data.size)
        order = np.argsort(np.abs(data), axis=None, kind="stable")
        mask = np.ones(data.size, np.bool_)
        mask[order[:zeros]] = False
        masks[index] = mask.reshape(data.shape)
    return masks


def apply_masks(graph: Graph, masks: Masks) -> Graph:
    """The graph with zeros where a mask has them."""
    tensors = list(graph.tensors)
    for index, mask in masks.items():
        tensor = tensors[index]
        assert tensor.data is not None
        tensors[index] = attrs.evolve(tensor, data=np.where(mask, tensor.data, np.float32(0)))
    return attrs.evolve(graph, tensors=tensors)


def zero_share(graph: Graph, layer: Layer) -> float:
    """Share of a layer's weights that are zero."""
    data = graph.tensors[layer.tensor].data
    assert data is not None
    return float((data == 0).mean())
