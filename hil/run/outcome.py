"""What became of a job, and of a run."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

import attrs

from hil.run.faults import Fault, FaultKind, Owner
from hil.run.jobs import Job
from host.errors import ExitCode
from protocol.measurement import Measurement


class Status(StrEnum):
    """How a job ended."""

    MEASURED = "measured"
    WRONG = "wrong"
    """Measured and kept, but its output is not what it must be."""
    UNFIT = "unfit"
    """The board cannot run this model: a finding, no failure."""
    FAILED = "failed"
    NOT_RUN = "not-run"


@attrs.frozen(kw_only=True)
class Attempt:
    """One try that failed. ``power`` says how switching the board's power went, where it was."""

    number: int
    fault: Fault
    took_s: float
    power: str | None = None


@attrs.frozen(kw_only=True)
class Outcome:
    """``fault`` is what made it fail; ``attempts`` are the tries that failed, also where a later
    one succeeded. ``reason`` is why it was not run. Times in seconds, of the whole job."""

    job: Job
    status: Status
    at: datetime
    took_s: float = 0.0
    fault: Fault | None = None
    reason: str | None = None
    attempts: tuple[Attempt, ...] = ()
    record: Measurement | None = None

    @property
    def owner(self) -> Owner | None:
        return None if self.fault is None else self.fault.owner

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "id": self.job.id,
            "model": self.job.candidate.name,
            "sha256": self.job.candidate.sha256,
            "precision": self.job.candidate.precision,
            "board": self.job.board,
            "session": self.job.session,
            "status": str(self.status),
            "at": self.at.isoformat(),
            "took_s": round(self.took_s, 3),
            "fault": None if self.fault is None else fault_dict(self.fault),
            "reason": self.reason,
            "attempts": [
                {
                    "number": attempt.number,
                    "fault": fault_dict(attempt.fault),
                    "took_s": round(attempt.took_s, 3),
                    "power": attempt.power,
                }
                for attempt in self.attempts
            ],
            "measurement": None if self.record is None else self.record.to_dict(),
        }


def fault_dict(fault: Fault) -> dict[str, str]:
    """Plain JSON values."""
    return {
        "owner": str(fault.owner),
        "kind": str(fault.kind),
        "text": fault.text,
        "hint": fault.hint,
    }


@attrs.frozen
class Suspect:
    """A model that boards fell over, though none of them is known to be ill."""

    name: str
    precision: str
    boards: tuple[str, ...]


@attrs.frozen
class RunResult:
    """Every job's outcome, in the order in which the jobs were given."""

    run: str
    outcomes: tuple[Outcome, ...]

    @property
    def counts(self) -> dict[Status, int]:
        """Those that there are."""
        found = Counter(outcome.status for outcome in self.outcomes)
        return {status: found[status] for status in Status if found[status]}

    @property
    def records(self) -> tuple[Measurement, ...]:
        """Every measurement, the wrong ones too."""
        return tuple(outcome.record for outcome in self.outcomes if outcome.record is not None)

    @property
    def suspects(self) -> tuple[Suspect, ...]:
        """Models that hung or reset every board which other models ran well on."""
        return tuple(_suspects(self.outcomes))

    @property
    def exit_code(self) -> ExitCode:
        """The gravest: a wrong output, then a board, a link or a deadline, then the model."""
        codes = {_exit_code(outcome) for outcome in self.outcomes}
        order = (
            ExitCode.MISMATCH,
            ExitCode.BUG,
            ExitCode.BOARD_OR_LINK,
            ExitCode.DEADLINE,
            ExitCode.CONFIG,
            ExitCode.MODEL,
        )
        return next((code for code in order if code in codes), ExitCode.DONE)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "schema": "farm-run/1",
            "run": self.run,
            "exit_code": int(self.exit_code),
            "counts": {str(status): count for status, count in self.counts.items()},
            "suspects": [attrs.asdict(suspect) for suspect in self.suspects],
            "jobs": [outcome.to_dict() for outcome in self.outcomes],
        }


_FELL_OVER = frozenset({FaultKind.RESET, FaultKind.SILENT, FaultKind.TOO_SLOW})


def _suspects(outcomes: Sequence[Outcome]) -> Iterator[Suspect]:
    """By what was measured elsewhere: one job alone does not tell a model from a board."""
    healthy: dict[str, set[str]] = defaultdict(set)
    tried: dict[tuple[str, str, str], list[Outcome]] = defaultdict(list)
    for outcome in outcomes:
        candidate = outcome.job.candidate
        if outcome.status == Status.MEASURED:
            healthy[outcome.job.board].add(candidate.sha256)
        if outcome.status not in (Status.NOT_RUN, Status.UNFIT):
            tried[candidate.sha256, candidate.name, candidate.precision].append(outcome)
    for (sha256, name, precision), found in tried.items():
        fell_over = all(outcome.fault and outcome.fault.kind in _FELL_OVER for outcome in found)
        boards = tuple(dict.fromkeys(outcome.job.board for outcome in found))
        if fell_over and all(healthy[board] - {sha256} for board in boards):
            yield Suspect(name, precision, boards)


_EXIT_CODES = {
    FaultKind.BUG: ExitCode.BUG,
    FaultKind.SILENT: ExitCode.DEADLINE,
    FaultKind.TOO_SLOW: ExitCode.DEADLINE,
    FaultKind.CONFIGURATION: ExitCode.CONFIG,
    FaultKind.WRONG_BOARD: ExitCode.CONFIG,
    FaultKind.NOT_SUPPORTED: ExitCode.MODEL,
    FaultKind.ARENA_OVERRUN: ExitCode.BOARD_OR_LINK,
}


def _exit_code(outcome: Outcome) -> ExitCode:
    match outcome.status:
        case Status.MEASURED | Status.UNFIT:
            return ExitCode.DONE
        case Status.WRONG:
            return ExitCode.MISMATCH
        case Status.NOT_RUN:
            return ExitCode.BOARD_OR_LINK
        case Status.FAILED:
            assert outcome.fault is not None
            return _EXIT_CODES.get(outcome.fault.kind, ExitCode.BOARD_OR_LINK)


def in_order(jobs: Sequence[Job], outcomes: Sequence[Outcome]) -> tuple[Outcome, ...]:
    """Outcomes as the jobs stand."""
    by_id = {outcome.job.id: outcome for outcome in outcomes}
    return tuple(by_id[job.id] for job in jobs if job.id in by_id)
