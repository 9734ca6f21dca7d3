"""Plans the arena: who works in place, how much scratch each op is granted, what goes where."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from host.compiler.liveness import Liveness, Place, in_place_pairs, places
from host.compiler.operations import Operation
from host.compiler.packing import Packing, pack
from host.compiler.rows import round_up
from protocol.plan import ALIGNMENT_BYTES

FASTEST, LEAST = 0, -1
"""Which of an op's grants."""


@attrs.frozen
class MemoryPlan:
    """Where everything lies in the arena, in bytes from its start."""

    tensor_offsets: dict[int, int]
    """By owner tensor."""
    scratch: tuple[tuple[int, int], ...]
    """Offset and bytes, one pair an op."""
    arena_bytes: int
    lower_bound_bytes: int
    inputs_overwritten: bool


@attrs.frozen
class _Layout:
    """One way to do it: storages that ops work in place on, scratch an op, and offsets."""

    in_place: dict[int, int]
    scratch: Sequence[int]
    items: Sequence[Place]
    packing: Packing


def plan_memory(
    operations: Sequence[Operation],
    inputs: Sequence[int],
    outputs: Sequence[int],
    owner: Sequence[int],
    size_bytes: Sequence[int],
    arena_limit_bytes: int | None = None,
) -> MemoryPlan:
    """The smallest arena found with the scratch that makes kernels fast.

    Where that exceeds ``arena_limit_bytes``, scratch is cut back to the least, and what
    results is returned even if it still exceeds the limit. Working in place is chosen
    only where it makes the arena smaller. What room is left becomes scratch again, the op with
    the most MACs first.
    """
    live = Liveness.of(operations, inputs, outputs, owner, size_bytes)

    def lay_out(in_place: dict[int, int], scratch: Sequence[int]) -> _Layout:
        items = places(operations, live, owner, in_place, scratch)
        return _Layout(in_place, scratch, items, pack(items))

    pairs = in_place_pairs(operations, live, owner)
    cheap = {p: s for p, s in pairs.items() if not any(operations[p].in_place_scratch.grants_bytes)}

    def smallest(level: int) -> _Layout:
        layouts = []
        for in_place in (dict[int, int](), cheap, pairs):
            scratch = [
                operation.scratch_for(position in in_place).grants_bytes[level]
                for position, operation in enumerate(operations)
            ]
            layouts.append(lay_out(in_place, scratch))
        return min(layouts, key=lambda layout: layout.packing.arena_bytes)

    best = smallest(level=FASTEST)
    room_bytes = best.packing.arena_bytes
    if arena_limit_bytes is not None and room_bytes > arena_limit_bytes:
        best = smallest(level=LEAST)
        room_bytes = max(arena_limit_bytes, best.packing.arena_bytes)
    for position, operation in sorted(enumerate(operations), key=lambda item: -item[1].macs):
        for size in operation.scratch_for(position in best.in_place).descending():
            if size <= best.scratch[position]:
                break
            scratch = [*best.scratch]
            scratch[position] = size
            layout = lay_out(best.in_place, scratch)
            if layout.packing.arena_bytes <= room_bytes:
                best = layout
                break
    return _memory_plan(best, inputs=[owner[index] for index in inputs])


def plan_separate(
    operations: Sequence[Operation],
    inputs: Sequence[int],
    owner: Sequence[int],
    size_bytes: Sequence[int],
) -> MemoryPlan:
    """Every tensor and every scratch in a place of its own, so that a run leaves all readable."""
    storages = [owner[index] for index in inputs]
    storages += [owner[operation.output] for operation in operations]
    offsets: dict[int, int] = {}
    end = 0
    for storage in storages:
        if storage not in offsets:
            offsets[storage] = end
            end = round_up(end + size_bytes[storage], ALIGNMENT_BYTES)
    scratch = []
    for operation in operations:
        size = operation.scratch.grants_bytes[FASTEST]
        scratch.append((end if size else 0, size))
        end = round_up(end + size, ALIGNMENT_BYTES)
    return MemoryPlan(offsets, tuple(scratch), end, end, inputs_overwritten=False)


def _memory_plan(layout: _Layout, inputs: Sequence[int]) -> MemoryPlan:
    packing, items = layout.packing, layout.items
    offsets: dict[int, int] = {}
    scratch_offsets: dict[int, int] = {}
    for item, offset in zip(items, packing.offsets, strict=True):
        if item.scratch_of is not None:
            scratch_offsets[item.scratch_of] = offset
        for tensor in item.tensors:
            offsets[tensor] = offset
    return MemoryPlan(
        tensor_offsets=offsets,
        scratch=tuple(
            (scratch_offsets.get(position, 0), size) for position, size in enumerate(layout.scratch)
        ),
        arena_bytes=round_up(packing.arena_bytes, 4),
        lower_bound_bytes=packing.lower_bound_bytes,
        inputs_overwritten=_overwrites(packing, items, inputs),
    )


def _overwrites(packing: Packing, items: Sequence[Place], inputs: Sequence[int]) -> bool:
    """Whether something other than an input itself is ever written where that input lies."""
    for item, offset in zip(items, packing.offsets, strict=True):
        if not any(tensor in inputs for tensor in item.tensors):
            continue
        if len(item.tensors) > 1:  # an op works in place on the input
            return True
        end = offset + int(item.sizes.max())
        for other, other_offset in zip(items, packing.offsets, strict=True):
            peak = int(other.sizes.max())
            if other is not item and other_offset < end and offset < other_offset + peak:
                return True
    return False
