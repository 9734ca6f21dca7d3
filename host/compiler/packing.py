"""Gives every place an offset so that the arena is small.

Packing rectangles of fixed position in time is NP-hard; a few greedy orders
usually reach the lower bound (the most bytes live at one step), and where they do
not, a branch-and-bound search of bounded effort follows. Both are deterministic.
"""

from __future__ import annotations

from collections.abc import Sequence

import attrs
import numpy as np
from numpy.typing import NDArray

from host.compiler.liveness import Place
from host.compiler.rows import round_up

SEARCH_NODES = 20_000
SEARCH_MAX_PLACES = 64


@attrs.frozen
class Packing:
    """Offsets in bytes, one a place; ``lower_bound_bytes`` holds for any packing."""

    offsets: tuple[int, ...]
    arena_bytes: int
    lower_bound_bytes: int


def pack(items: Sequence[Place]) -> Packing:
    """The best packing found for ``items``."""
    if not items:
        return Packing((), 0, 0)
    packer = _Packer(items)
    best = min(
        (packer.greedy(order) for order in packer.orders()), key=lambda found: found.arena_bytes
    )
    if best.arena_bytes > best.lower_bound_bytes and len(items) <= SEARCH_MAX_PLACES:
        best = packer.search(best)
    return best


class _Packer:
    def __init__(self, items: Sequence[Place]) -> None:
        self._items = items
        self._profiles: NDArray[np.int64] = np.stack([item.sizes for item in items])
        self._peaks = [int(peak) for peak in self._profiles.max(axis=1)]
        self._lower_bound = int(self._profiles.sum(axis=0).max())
        live = self._profiles > 0
        # heights[a][b]: room that a needs below b, its peak while both are live; 0 if never.
        self._heights = [
            [int(height) for height in (self._profiles[a] * live).max(axis=1)]
            for a in range(len(items))
        ]

    def orders(self) -> list[list[int]]:
        """Orders for the greedy packing, each by a rule that wins on some graphs."""
        indices = range(len(self._items))
        areas = [int(area) for area in self._profiles.sum(axis=1)]
        starts = [int(np.flatnonzero(sizes)[0]) for sizes in self._profiles]
        crowded = [
            int((self._profiles.sum(axis=0) * (sizes > 0)).max()) for sizes in self._profiles
        ]
        return [
            sorted(indices, key=lambda i: (-self._peaks[i], starts[i], i)),
            sorted(indices, key=lambda i: (-areas[i], starts[i], i)),
            sorted(indices, key=lambda i: (-crowded[i], -self._peaks[i], i)),
            sorted(indices, key=lambda i: (starts[i], -self._peaks[i], i)),
        ]

    def _lowest(self, item: int, placed: dict[int, int]) -> int:
        """The lowest offset at which ``item`` meets no placed item."""
        alignment = self._items[item].alignment_bytes
        offset, settled = 0, False
        while not settled:
            settled = True
            for other, other_offset in placed.items():
                below, above = self._heights[item][other], self._heights[other][item]
                if below and offset + below > other_offset and other_offset + above > offset:
                    offset = round_up(other_offset + above, alignment)
                    settled = False
        return offset

    def _packing(self, placed: dict[int, int]) -> Packing:
        arena = max(offset + self._peaks[item] for item, offset in placed.items())
        offsets = tuple(placed[item] for item in range(len(self._items)))
        return Packing(offsets, arena, self._lower_bound)

    def greedy(self, order: Sequence[int]) -> Packing:
        placed: dict[int, int] = {}
        for item in order:
            placed[item] = self._lowest(item, placed)
        return self._packing(placed)

    def search(self, best: Packing) -> Packing:
        """Branch and bound over the orders of placing; stops at the bound or out of nodes."""
        nodes = SEARCH_NODES
        by_size = self.orders()[0]

        def descend(placed: dict[int, int], floor: int, top: int) -> None:
            nonlocal best, nodes
            remaining = [item for item in by_size if item not in placed]
            if not remaining:
                best = self._packing(placed)
                return
            lowest = {item: self._lowest(item, placed) for item in remaining}
            if any(lowest[item] + self._peaks[item] >= best.arena_bytes for item in remaining):
                return
            for item in remaining:
                # Items enter by rising offset; any packing is reached in that order.
                if lowest[item] < floor:
                    continue
                reach = max(top, lowest[item] + self._peaks[item])
                nodes -= 1
                if nodes < 0 or best.arena_bytes <= self._lower_bound:
                    return
                if reach < best.arena_bytes:
                    descend({**placed, item: lowest[item]}, lowest[item], reach)

        descend({}, 0, 0)
        return best
