"""What pruning makes of a graph, whichever way it was done."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from host.distillation.pruning.sensitivity import Curve
from host.models.graph import Graph


@attrs.frozen(eq=False)
class PrunedGraph:
    """``at_once``: pruned as far, without any training; ``graph``: after it.

    ``removed_share`` is of the weights, or of the channels that could be removed.
    ``curves``: the sensitivity of the weights of each layer, by their tensor in the graph.
    """

    at_once: Graph
    graph: Graph
    removed_share: float
    curves: Mapping[int, Curve]
