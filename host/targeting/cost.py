"""What a device costs: one number that orders the catalog, from three of its figures."""

from __future__ import annotations

import json
import math
from pathlib import Path

WEIGHTS_PATH = Path(__file__).with_name("cost_weights.json")


def cost(ai_compute_tops: float, ram_mb: float, price_class: int) -> float:
    """The weighted sum of ``cost_weights.json``; without unit, only its order means anything.

    Compute and memory span seven decades from the smallest board to the largest, so each counts
    by its logarithm.

    Args:
        ai_compute_tops: of the accelerators together, or of the cores where there is none, in 10^12
            operations a second.
        ram_mb: MiB, of all domains together.
        price_class: 1 is the cheapest.
    """
    weights: dict[str, float] = json.loads(WEIGHTS_PATH.read_text(encoding="utf-8"))
    return (
        weights["ai_compute"] * math.log10(1.0 + ai_compute_tops * 1e6)
        + weights["ram_mb"] * math.log2(1.0 + ram_mb * 1024.0)
        + weights["price_class"] * price_class
    )
