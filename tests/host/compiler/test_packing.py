"""The arena packer against an exhaustive search, and its promises on any input."""

from __future__ import annotations

import itertools

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from host.compiler.liveness import Place
from host.compiler.packing import pack

STEPS = 6


@st.composite
def places(draw: st.DrawFn, max_size: int) -> list[Place]:
    """Rectangles in time, a few with scratch alignment and some that shrink."""
    result = []
    for _ in range(draw(st.integers(1, max_size))):
        first = draw(st.integers(0, STEPS - 1))
        last = draw(st.integers(first, STEPS - 1))
        sizes = np.zeros(STEPS, dtype=np.int64)
        sizes[first : last + 1] = 4 * draw(st.integers(1, 12))
        if last > first and draw(st.booleans()):
            sizes[last] = max(4, int(sizes[last]) // 8 * 4)
        result.append(Place((), sizes, draw(st.sampled_from((4, 4, 16)))))
    return result


def collide(first: Place, first_offset: int, second: Place, second_offset: int) -> bool:
    """Byte by byte at every step, unlike the packer."""
    for size1, size2 in zip(first.sizes, second.sizes, strict=True):
        bytes1 = set(range(first_offset, first_offset + int(size1)))
        if bytes1 & set(range(second_offset, second_offset + int(size2))):
            return True
    return False


@given(places(max_size=9))
@settings(max_examples=150, deadline=None)
def test_nothing_live_at_once_overlaps(items: list[Place]) -> None:
    packing = pack(items)
    placed = list(zip(items, packing.offsets, strict=True))
    for item, offset in placed:
        assert offset % item.alignment_bytes == 0
        assert offset + int(item.sizes.max()) <= packing.arena_bytes
    for (item1, offset1), (item2, offset2) in itertools.combinations(placed, 2):
        assert not collide(item1, offset1, item2, offset2)
    assert packing.lower_bound_bytes <= packing.arena_bytes


@given(places(max_size=4))
@settings(max_examples=60, deadline=None)
def test_small_problems_are_solved_exactly(items: list[Place]) -> None:
    """No assignment on the 4-byte grid that is better by a word exists."""
    goal = pack(items).arena_bytes - 4

    def fits(offsets: list[int]) -> bool:
        position = len(offsets)
        if position == len(items):
            return True
        item = items[position]
        for offset in range(0, goal - int(item.sizes.max()) + 1, item.alignment_bytes):
            clear = all(
                not collide(item, offset, items[other], offsets[other]) for other in range(position)
            )
            if clear and fits([*offsets, offset]):
                return True
        return False

    assert not fits([])


@given(places(max_size=8))
@settings(max_examples=30, deadline=None)
def test_packing_is_deterministic(items: list[Place]) -> None:
    assert pack(items) == pack(items)
