"""Learns a board's cost model from what its ops were measured to take."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from host.compiler import PlannedOp
from host.targeting.simulate.counts import PAIRED, PIECES, PLAIN, Work
from host.targeting.simulate.fit import Fit, fit
from host.targeting.simulate.samples import Sample
from host.targeting.simulate.work import IN_PLACE, work_of

Row = tuple[dict[str, float], int]
"""Counts of an op, and its cycles."""
_CACHE_SIZES = (None, *(round(2 ** (step / 4)) for step in range(44, 69)))  # 2 to 128 KB
_CACHE_WAYS = 2
_CLEAR_GAIN = 0.005
"""A cache is believed in where it takes as much off the relative errors."""


def _missed(read_bytes: float, cache_bytes: int) -> float:
    """Bytes that miss when ``read_bytes`` in a row are read again and again.

    Of a cache that replaces the least recently used line, a set that has one line too many
    misses on all of them.
    """
    excess = max(0.0, read_bytes - cache_bytes)
    return min(read_bytes, (_CACHE_WAYS + 1) * excess)


def counts_in(
    work: Work, op: PlannedOp, store: str, plan_bytes: int, cache_bytes: int | None
) -> dict[str, float]:
    """The counts of ``work``, and the bytes that come from flash because no cache has them.

    Between two runs of an op the plan's other constants are read; between its passes its own.
    """
    size = op.constant_bytes
    if store != "flash" or cache_bytes is None or not size:
        return work.counts
    first = size * _missed(plan_bytes, cache_bytes) / plan_bytes
    further = (work.passes - 1.0) * _missed(size, cache_bytes)
    return {**work.counts, "missed_byte": first + further}


def fits_of(
    samples: Sequence[Sample], stores: Sequence[str], cache_bytes: int | None
) -> dict[tuple[str, str], Fit]:
    """A fit of each way and plan store that there are enough samples of."""
    by_way: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for sample in samples:
        work = work_of(sample.op)
        # Where the plan lies does not matter to an op that reads nothing of it.
        for store in [sample.store] if sample.op.constant_bytes else stores:
            counts = counts_in(work, sample.op, store, sample.plan_bytes, cache_bytes)
            by_way[work.way, store].append((counts, sample.cycles))
    fits = {}
    for (way, store), rows in sorted(by_way.items()):
        kin = {other: found for (other, where), found in by_way.items() if where == store}
        found = _best_fit(rows, *_kin(way, kin))
        if found is not None:
            fits[way, store] = found
    return fits


def _kin(way: str, rows: Mapping[str, list[Row]]) -> tuple[list[Row], list[Row]]:
    """What goes the same way but for working in place; the other ways of the kind."""
    name = way.removesuffix(IN_PLACE)
    twins, others = [], []
    for other, found in rows.items():
        if other != way and other.removesuffix(IN_PLACE) == name:
            twins += found
        elif (
            other.partition("/")[0] == name.partition("/")[0]
            and other != way
            and other.endswith(IN_PLACE) == way.endswith(IN_PLACE)
        ):
            others += found
    return twins, others


def _best_fit(rows: Sequence[Row], twins: Sequence[Row], others: Sequence[Row]) -> Fit | None:
    """What foretells best: not every core's kernel has all ways, nor every count a meaning there.

    Args:
        rows: of one way of a kind; the residuals are of these.
        twins: for a core that does not care whether it works in place.
        others: for a core that goes all ways of the kind alike.
    """
    names = {name for counts, _ in rows for name in counts}
    candidates = []
    for further, choices in (
        ([], (names - PIECES - PAIRED, names - PAIRED, names - PIECES, names)),
        (twins, (names - PIECES - PAIRED, names - PIECES, names)),
        (others, (PLAIN, PLAIN | PIECES)),
    ):
        judged = [True] * len(rows) + [False] * len(further)
        counts = [entry for entry, _ in (*rows, *further)]
        cycles = [measured for _, measured in (*rows, *further)]
        candidates += [fit(counts, cycles, names=chosen, judged=judged) for chosen in choices]
    found = [entry for entry in candidates if entry is not None]
    return min(found, key=lambda entry: entry.residuals.p90 + entry.residuals.largest, default=None)


def find_flash_cache(samples: Sequence[Sample]) -> int | None:
    """The size of cache with which the flash's reads are explained best."""
    in_flash = [sample for sample in samples if sample.store == "flash"]

    def error(cache_bytes: int | None) -> float:
        """Of nine tenths of the ops, on average over the ways."""
        residuals = [
            entry.residuals for entry in fits_of(in_flash, ["flash"], cache_bytes).values()
        ]
        ops = sum(entry.count for entry in residuals)
        return sum(entry.p90 * entry.count for entry in residuals) / max(1, ops)

    errors = {size: error(size) for size in _CACHE_SIZES}
    best = min(errors, key=lambda size: errors[size])
    return best if errors[None] - errors[best] > _CLEAR_GAIN else None
