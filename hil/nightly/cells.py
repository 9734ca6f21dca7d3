"""Cells: which measurements are of one thing, and in which night they were made."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import timedelta

import attrs

from protocol.measurement import Measurement

NIGHT_GAP = timedelta(hours=3)
"""A new night begins where nothing was measured for longer. A rack at work is never that quiet,
and two runs of a day are two nights."""


@attrs.frozen(kw_only=True, order=True)
class CellKey:
    """What is measured again and again: a model by its name, on one board, with one input.

    What may change from night to night (the model's content, plan, build, clock) is no part of it:
    that is what is compared. ``uid`` tells equal boards apart and is empty where a board has none.
    """

    model: str
    precision: str
    board: str
    domain: str
    source: str
    emulator: str
    engine: str
    plan_store: str
    input: str
    uid: str

    @classmethod
    def of(cls, record: Measurement) -> CellKey:
        given = record.input
        return cls(
            model=record.model.name,
            precision=record.candidate.precision,
            board=record.board.id,
            domain=record.board.domain,
            source=str(record.evidence.source),
            emulator=without_version(record.evidence.emulator),
            engine=(record.board.engine or "").split(" ")[0],
            plan_store=record.memory.plan_store or "",
            input=given.source if given.seed is None else f"{given.source}:{given.seed}",
            uid=record.board.uid or "",
        )

    @property
    def seat(self) -> CellKey:
        """The same wherever another board of the kind took this one's place."""
        return attrs.evolve(self, uid="")

    @property
    def name(self) -> str:
        """For people, and the JUnit report."""
        parts = [self.model, self.board]
        if self.domain:
            parts.append(self.domain)
        what = " ".join(part for part in (self.engine, self.precision, self.plan_store) if part)
        how = f"{self.source}, {self.emulator}" if self.emulator else self.source
        return f"{' / '.join(parts)} ({what}, {how})"


def without_version(emulator: str | None) -> str:
    """``rp2040js 1.4.1 xip`` is ``rp2040js xip``: an update is a change within the cell."""
    words = (emulator or "").split()
    return " ".join(words[:1] + words[2:])


def by_cell(records: Iterable[Measurement]) -> dict[CellKey, list[Measurement]]:
    """Measurements by cell, within each the oldest first."""
    cells: dict[CellKey, list[Measurement]] = defaultdict(list)
    for record in sorted(records, key=lambda record: record.at):
        cells[CellKey.of(record)].append(record)
    return dict(cells)


def into_nights(records: Iterable[Measurement]) -> list[list[Measurement]]:
    """Measurements by night, the oldest first; a night ends with a pause of NIGHT_GAP."""
    nights: list[list[Measurement]] = []
    for record in sorted(records, key=lambda record: record.at):
        if not nights or record.at - nights[-1][-1].at > NIGHT_GAP:
            nights.append([])
        nights[-1].append(record)
    return nights


def representative(sessions: Sequence[Measurement]) -> Measurement:
    """The session whose median latency is in the middle; of two, the later one."""
    ordered = sorted(sessions, key=lambda record: (record.latency_ms.median, record.at))
    return ordered[len(ordered) // 2]
