"""What a board can take, and how the compiler is to lay the plan out."""

from __future__ import annotations

import attrs

from protocol.plan import VERSION_MAJOR, PlanOp, WeightLayout


@attrs.frozen
class CompileOptions:
    """Defaults fit a runtime of this version that has every kernel."""

    op_set: frozenset[PlanOp] = frozenset(PlanOp)
    weight_layouts: frozenset[WeightLayout] = frozenset(WeightLayout)
    plan_version: int = VERSION_MAJOR
    """Major version of the plan container that the board reads."""
    arena_limit_bytes: int | None = None
    """Where the arena exceeds this, kernels get less scratch and run slower."""
    preserve_all: bool = False
    """Every tensor in a place of its own: after one run every layer can be read."""
