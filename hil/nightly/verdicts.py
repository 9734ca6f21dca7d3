"""What a night came to: a verdict a cell, with its reasons."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import attrs

from hil.golden.night import NightReplay
from hil.nightly.cells import CellKey
from hil.nightly.shift import Shift
from hil.run import Outcome, RunResult
from hil.run import Status as JobStatus
from host.errors import ExitCode
from protocol.measurement import Measurement


class Status(StrEnum):
    """The gravest first."""

    REGRESSION = "regression"
    FLAGGED = "flagged"
    """The board drifted: its latency says nothing of the code, and was not judged."""
    MISSING = "missing"
    """The baseline has it, the night does not."""
    LEARNING = "learning"
    """Too few recorded nights of this board to tell a change from its noise."""
    IMPROVED = "improved"
    CHANGED = "changed"
    """Other than before, in what cannot gate: time without a time model, stack depth."""
    NEW = "new"
    SAME = "same"


class Direction(StrEnum):
    WORSE = "worse"
    BETTER = "better"
    OTHER = "other"


@attrs.frozen
class Finding:
    """Something that is not as the baseline has it. ``what`` is one word: cycles, arena, output."""

    what: str
    direction: Direction
    text: str


@attrs.frozen
class Change:
    """What the record says was another one: model, plan, firmware build, compiler, board."""

    what: str
    before: str
    after: str


@attrs.frozen(kw_only=True)
class OpChange:
    """Cycles of one op of the plan, in the baseline and tonight."""

    index: int
    kind: str
    before: int
    after: int

    @property
    def percent(self) -> float:
        return 100.0 * (self.after / self.before - 1.0) if self.before else float("inf")


@attrs.frozen(kw_only=True)
class CellVerdict:
    """One cell of the night. ``record`` is its middle session; None where it is missing."""

    key: CellKey
    status: Status
    record: Measurement | None
    reference: Measurement | None
    sessions: int = 0
    findings: tuple[Finding, ...] = ()
    flags: tuple[str, ...] = ()
    shift: Shift | None = None
    changes: tuple[Change, ...] = ()
    ops: tuple[OpChange, ...] = ()
    triage: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def shown(self) -> Measurement:
        """Tonight's record, or the baseline's where there is none."""
        record = self.record or self.reference
        assert record is not None
        return record


@attrs.frozen(kw_only=True)
class NightVerdict:
    """A night against a baseline, and its golden sets. Times are in UTC.

    ``outcomes`` are the jobs of the run that measured it; none where only the history was compared.
    """

    baseline: str
    reason: str
    accepted_at: datetime
    started: datetime
    ended: datetime
    cells: tuple[CellVerdict, ...]
    records: tuple[Measurement, ...]
    outcomes: tuple[Outcome, ...] = ()
    replays: tuple[NightReplay, ...] = ()

    @property
    def lost_jobs(self) -> list[Outcome]:
        """What was not measured, and not because the board cannot run it."""
        lost = (JobStatus.FAILED, JobStatus.NOT_RUN)
        return [outcome for outcome in self.outcomes if outcome.status in lost]

    @property
    def regressed(self) -> bool:
        """Whether a cell is worse, or a sample not as its golden set has it."""
        return bool(self.having(Status.REGRESSION)) or any(r.is_wrong for r in self.replays)

    def having(self, *statuses: Status) -> list[CellVerdict]:
        return [cell for cell in self.cells if cell.status in statuses]

    @property
    def exit_code(self) -> ExitCode:
        """A regression weighs more than a board that was not there."""
        if self.regressed:
            return ExitCode.REGRESSION
        if self.having(Status.MISSING) or any(replay.is_lost for replay in self.replays):
            return ExitCode.BOARD_OR_LINK
        return RunResult("", self.outcomes).exit_code
