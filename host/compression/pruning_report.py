"""What pruning did to each layer, what it cost in accuracy, and what it gained."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from host.compression.footprint import Footprint, Gain
from host.distillation.pruning.magnitude import Layer, prunable_layers, zero_share
from host.distillation.pruning.outcome import PrunedGraph
from host.distillation.pruning.sensitivity import LEVELS
from host.models.graph import Graph
from host.targeting.site import Site


@attrs.frozen(kw_only=True)
class Accuracy:
    """On ``samples`` of the hold-out: of the float models, and of both as int8."""

    metric: str
    samples: int
    before: float
    after_pruning: float
    after_fine_tuning: float
    int8_before: float
    int8_after: float


def build_report(
    request: Mapping[str, Any],
    graph: Graph,
    pruned: PrunedGraph,
    accuracy: Accuracy,
    site: Site,
    footprints: tuple[Footprint, Footprint],
) -> dict[str, Any]:
    """Plain JSON values.

    Args:
        request: the fields of the request.
        footprints: on the board, before and after.
    """
    before, after = footprints
    gain = Gain.between(before, after)
    return {
        "mode": "prune",
        **{name: value if _is_plain(value) else str(value) for name, value in request.items()},
        "removed_share": pruned.removed_share,
        "parameters": {
            "before": graph.parameters,
            "after": pruned.graph.parameters,
            "nonzero_before": nonzero(graph),
            "nonzero_after": nonzero(pruned.graph),
        },
        "layers": [
            _layer(graph, pruned, old, new)
            for old, new in zip(prunable_layers(graph), prunable_layers(pruned.graph), strict=True)
        ],
        "accuracy": attrs.asdict(accuracy),
        "board": {
            "id": site.device,
            "domain": site.domain,
            "before": before.to_dict(),
            "after": after.to_dict(),
            "saved": attrs.asdict(gain),
        },
        "verdict": verdict(gain, structured=bool(request["structured"])),
    }


def verdict(gain: Gain, *, structured: bool) -> str:
    """One sentence: what was gained, and what to do where that is not enough."""
    latency = "latency is not known" if gain.latency is None else f"latency {_by(gain.latency)}"
    if not gain.is_none:
        return f"RAM {_by(gain.ram)}, flash {_by(gain.flash)}, {latency}."
    text = "Neither RAM nor latency fell"
    if gain.latency is None:
        text = "RAM did not fall, and latency is not known"
    if structured:
        return f"{text}: too few channels went; raise --sparsity."
    return (
        f"{text}: a microcontroller stores and multiplies zeros like any other weight. Where RAM "
        "or latency is the goal, prune with --structured, which removes whole channels."
    )


def _by(share: float) -> str:
    return f"fell by {share:.0%}" if share >= 0 else f"rose by {-share:.0%}"


def nonzero(graph: Graph) -> int:
    """How many elements of all constants are not zero."""
    return sum(int((t.data != 0).sum()) for t in graph.tensors if t.data is not None)


def _layer(graph: Graph, pruned: PrunedGraph, old: Layer, new: Layer) -> dict[str, Any]:
    curve = pruned.curves.get(old.tensor)
    left = new.weights * (1.0 - zero_share(pruned.graph, new))
    return {
        "name": old.name,
        "kind": str(old.kind),
        "weights_before": old.weights,
        "weights_after": new.weights,
        "shape_before": list(graph.tensors[old.tensor].shape),
        "shape_after": list(pruned.graph.tensors[new.tensor].shape),
        "sparsity": 1.0 - left / old.weights,
        "sensitivity": None
        if curve is None
        else {f"{level:g}": error for level, error in zip(LEVELS, curve.errors, strict=True)},
    }


def _is_plain(value: Any) -> bool:
    return value is None or isinstance(value, bool | int | float)
