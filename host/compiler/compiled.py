"""A plan's bytes, with what the host keeps beside them."""

from __future__ import annotations

import attrs

from protocol.plan import PACKED_KINDS, PlanOp


@attrs.frozen
class TensorContract:
    """One input or output: ``real = scale * (value - zero_point)``."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    scale: float
    zero_point: int
    size_bytes: int


@attrs.frozen
class PlannedOp:
    """One op of the plan and the op of the model it came from."""

    kind: PlanOp
    macs: int
    scratch_bytes: int
    source_index: int | None
    source_name: str
    parameters: dict[str, int | list[int]]
    """What shapes its work, as in the plan's record; offsets of constants are left out."""
    input_bytes: tuple[int, ...] = ()
    output_bytes: int = 0
    constant_bytes: int = 0
    """Of weights, scales and tables in the plan."""
    in_place: bool = False
    """Whether the output takes an input's place."""


@attrs.frozen
class TensorPlace:
    """Where a tensor of the graph lies in the arena, and from when."""

    plan_tensor: int
    arena_offset: int
    size_bytes: int
    valid_after_op: int
    """Index of the op that writes it; -1 for an input. A later op may overwrite it."""


@attrs.frozen
class CompiledPlan:
    """``data`` is what the board loads; the rest describes it."""

    data: bytes
    crc32: int
    arena_bytes: int
    arena_lower_bound_bytes: int
    """No packing of these tensors and this scratch is smaller."""
    macs: int
    ops: tuple[PlannedOp, ...]
    inputs: tuple[TensorContract, ...]
    outputs: tuple[TensorContract, ...]
    inputs_overwritten: bool
    tensor_map: dict[int, TensorPlace]
    """By tensor index of the graph; tensors folded into weights are not in it."""

    @property
    def precision(self) -> str:
        """``int4`` where any weights are packed; activations are int8 in any case."""
        packed = PACKED_KINDS.values()
        return "int4" if any(op.kind in packed for op in self.ops) else "int8"
