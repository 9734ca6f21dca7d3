"""When each tensor needs its place in the arena, and which may share one.

Time is counted in steps: step 0 is when inputs are written, step ``i + 1`` is op
``i``, the last step is when outputs are read.
"""

from __future__ import annotations

from collections.abc import Sequence

import attrs
import numpy as np
from numpy.typing import NDArray

from host.compiler.operations import Operation
from host.compiler.rows import round_up

TENSOR_ALIGNMENT_BYTES = 4
SCRATCH_ALIGNMENT_BYTES = 16


@attrs.frozen(eq=False)
class Place:
    """Tensors that share an offset, or the scratch of one op.

    ``sizes`` is int64[steps]: bytes needed at each step, 0 where not live. Members of
    one place follow each other in time (in-place ops), so its size may shrink.
    """

    tensors: tuple[int, ...]
    sizes: NDArray[np.int64]
    alignment_bytes: int = TENSOR_ALIGNMENT_BYTES
    scratch_of: int | None = None
    """Index of the op, for scratch."""


@attrs.frozen
class Liveness:
    """First and last step of each storage; keys are owner tensors."""

    steps: int
    first: dict[int, int]
    last: dict[int, int]
    bytes: dict[int, int]

    @classmethod
    def of(
        cls,
        operations: Sequence[Operation],
        inputs: Sequence[int],
        outputs: Sequence[int],
        owner: Sequence[int],
        size_bytes: Sequence[int],
    ) -> Liveness:
        """Liveness of ``operations``; ``owner`` maps a tensor to the one whose bytes it has."""
        steps = len(operations) + 2
        first = {owner[index]: 0 for index in inputs}
        last = dict(first)
        for position, operation in enumerate(operations):
            step = position + 1
            for index in operation.inputs:
                last[owner[index]] = step
            first.setdefault(owner[operation.output], step)
            last[owner[operation.output]] = step
        for index in outputs:
            last[owner[index]] = steps - 1
        return cls(steps, first, last, {storage: size_bytes[storage] for storage in first})

    def profile(self, storage: int) -> NDArray[np.int64]:
        sizes = np.zeros(self.steps, dtype=np.int64)
        size = round_up(self.bytes[storage], TENSOR_ALIGNMENT_BYTES)
        sizes[self.first[storage] : self.last[storage] + 1] = size
        return sizes


def in_place_pairs(
    operations: Sequence[Operation], live: Liveness, owner: Sequence[int]
) -> dict[int, int]:
    """For each op that can work in place, the storage whose place its output takes.

    The input must end its life at the op and be no smaller than the output.
    """
    pairs: dict[int, int] = {}
    for position, operation in enumerate(operations):
        target = owner[operation.output]
        for index in operation.in_place:
            source = owner[index]
            if live.last[source] == position + 1 and live.bytes[source] >= live.bytes[target]:
                pairs[position] = source
                break
    return pairs


def places(
    operations: Sequence[Operation],
    live: Liveness,
    owner: Sequence[int],
    in_place: dict[int, int],
    scratch_bytes: Sequence[int],
) -> list[Place]:
    """Everything that needs an offset, with ``in_place`` pairs and scratch as chosen."""
    leader = {storage: storage for storage in live.first}
    for position, source in in_place.items():
        leader[owner[operations[position].output]] = leader[source]
    members: dict[int, list[int]] = {}
    for storage, lead in leader.items():
        members.setdefault(lead, []).append(storage)
    result = [
        Place(tuple(group), np.max([live.profile(storage) for storage in group], axis=0))
        for group in members.values()
    ]
    for position, size in enumerate(scratch_bytes):
        if size:
            sizes = np.zeros(live.steps, dtype=np.int64)
            sizes[position + 1] = round_up(size, TENSOR_ALIGNMENT_BYTES)
            result.append(Place((), sizes, SCRATCH_ALIGNMENT_BYTES, scratch_of=position))
    return result
