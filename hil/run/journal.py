"""The journal of runs: what is to be done, what was, and which boards are left out.

It stands in the history's database, so that whoever has the history has both, and everything in
it is on the disk when a call returns. A job's outcome is written once: what a killed run had
measured but not yet written down is found in the history by the job's id.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import attrs
from sqlalchemy import delete, func, select, update

from hil.run.faults import Fault, FaultKind
from hil.run.jobs import Cell, Job
from hil.run.outcome import Attempt, Outcome, Status, fault_dict
from hil.run.tables import AttemptRow, JobRow, JournalBase, QuarantineRow, RunRow
from host.errors import ConfigError
from host.evidence import History

_KEPT = (str(Status.MEASURED), str(Status.WRONG))


@attrs.frozen
class CellPast:
    """When a cell was measured last, and how long the longest of its jobs took."""

    measured_at: datetime
    took_s: float


@attrs.frozen
class Quarantine:
    """Why a board is left out."""

    board: str
    reason: str
    since: datetime
    run: str


def new_run(now: datetime | None = None) -> str:
    """An id for a run: when it began, and something that no other run of that second has."""
    return f"{(now or datetime.now(UTC)):%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"


class Journal:
    """Of all runs whose measurements go into one history. Safe to use from several threads."""

    def __init__(self, history: History) -> None:
        """Raises ConfigError where the history's database cannot be written."""
        self._history = history
        self._database = history.database
        self._database.make_tables(JournalBase.metadata)

    # ------------------------------------------------------------- runs

    def enlist(self, jobs: Sequence[Job]) -> None:
        """Writes down what is to be done; jobs that are there already stay as they are."""
        now = datetime.now(UTC)
        with self._database.writing() as session:
            for run in dict.fromkeys(job.run for job in jobs):
                if session.get(RunRow, run) is None:
                    session.add(RunRow(id=run, begun_at=now))
                    session.flush()
                known = set(session.scalars(select(JobRow.id).where(JobRow.run_id == run)))
                session.add_all(
                    JobRow(
                        id=job.id,
                        run_id=run,
                        position=position,
                        board=job.board,
                        sha256=job.candidate.sha256,
                        precision=job.candidate.precision,
                        job=job.to_dict(),
                    )
                    for position, job in enumerate(jobs)
                    if job.run == run and job.id not in known
                )

    def unfinished(self) -> str:
        """The newest run that some jobs of have no outcome.

        Raises:
            ConfigError: there is none.
        """
        statement = (
            select(RunRow.id)
            .where(RunRow.ended_at.is_(None))
            .order_by(RunRow.begun_at.desc(), RunRow.id.desc())
            .limit(1)
        )
        with self._database.reading() as session:
            found = session.scalar(statement)
        if found is None:
            raise ConfigError(
                "every run has ended: there is nothing to resume",
                hint="`host farm run` without --resume begins one",
            )
        return found

    def jobs(self, run: str) -> list[Job]:
        """The jobs of a run, as they were enlisted.

        Raises:
            ConfigError: there is no such run.
        """
        statement = select(JobRow.job).where(JobRow.run_id == run).order_by(JobRow.position)
        with self._database.reading() as session:
            jobs = [Job.from_dict(values) for values in session.scalars(statement)]
        if not jobs:
            raise ConfigError(f"the history {self._database.url} has no run {run!r}")
        return jobs

    def end(self, run: str) -> None:
        """Every job of it has an outcome."""
        with self._database.writing() as session:
            session.execute(
                update(RunRow).where(RunRow.id == run).values(ended_at=datetime.now(UTC))
            )

    # ------------------------------------------------------------- jobs

    def attempted(self, job: Job, attempt: Attempt) -> None:
        """A try of it failed."""
        with self._database.writing() as session:
            session.merge(
                AttemptRow(
                    job_id=job.id,
                    number=attempt.number,
                    fault=fault_dict(attempt.fault),
                    took_s=attempt.took_s,
                    power=attempt.power,
                )
            )

    def settle(self, outcome: Outcome) -> bool:
        """Writes an outcome; False where the job had one, which stays."""
        fault = outcome.fault
        statement = (
            update(JobRow)
            .where(JobRow.id == outcome.job.id, JobRow.status.is_(None))
            .values(
                status=str(outcome.status),
                fault=None if fault is None else fault_dict(fault),
                reason=outcome.reason,
                took_s=outcome.took_s,
                at=outcome.at,
            )
        )
        with self._database.writing() as session:
            found: Any = session.execute(statement)
            return bool(found.rowcount)

    def attempts(self, run: str) -> dict[str, tuple[Attempt, ...]]:
        """The failed tries of a run, by job."""
        statement = (
            select(AttemptRow)
            .join(JobRow, JobRow.id == AttemptRow.job_id)
            .where(JobRow.run_id == run)
            .order_by(AttemptRow.job_id, AttemptRow.number)
        )
        found: dict[str, tuple[Attempt, ...]] = {}
        with self._database.reading() as session:
            for row in session.scalars(statement):
                attempt = Attempt(
                    number=row.number, fault=_fault(row.fault), took_s=row.took_s, power=row.power
                )
                found[row.job_id] = (*found.get(row.job_id, ()), attempt)
        return found

    def outcomes(self, jobs: Sequence[Job]) -> list[Outcome]:
        """Those that the jobs of one run have, with their measurements."""
        if not jobs:
            return []
        run = jobs[0].run
        attempts = self.attempts(run)
        by_id = {job.id: job for job in jobs}
        statement = select(JobRow).where(JobRow.run_id == run, JobRow.status.is_not(None))
        with self._database.reading() as session:
            rows = [row for row in session.scalars(statement) if row.id in by_id]
        return [
            Outcome(
                job=by_id[row.id],
                status=Status(row.status or ""),
                at=_utc(row.at or datetime.min),
                took_s=row.took_s or 0.0,
                fault=None if row.fault is None else _fault(row.fault),
                reason=row.reason,
                attempts=attempts.get(row.id, ()),
                record=self._history.find_key(row.id) if row.status in _KEPT else None,
            )
            for row in rows
        ]

    def pasts(self) -> Mapping[Cell, CellPast]:
        """What is known of the cells that were ever measured."""
        statement = (
            select(
                JobRow.sha256,
                JobRow.precision,
                JobRow.board,
                func.max(JobRow.at),
                func.max(JobRow.took_s),
            )
            .where(JobRow.status.in_(_KEPT))
            .group_by(JobRow.sha256, JobRow.precision, JobRow.board)
        )
        with self._database.reading() as session:
            return {
                Cell(sha256, precision, board): CellPast(_utc(at), took_s or 0.0)
                for sha256, precision, board, at, took_s in session.execute(statement)
                if at is not None
            }

    # ------------------------------------------------------------- quarantine

    def quarantine(self, board: str, reason: str, run: str) -> None:
        """Leaves a board out from now on."""
        with self._database.writing() as session:
            session.merge(
                QuarantineRow(board=board, reason=reason, since=datetime.now(UTC), run_id=run)
            )

    def quarantines(self) -> dict[str, Quarantine]:
        """The boards that are left out, by name."""
        with self._database.reading() as session:
            return {
                row.board: Quarantine(row.board, row.reason, _utc(row.since), row.run_id)
                for row in session.scalars(select(QuarantineRow).order_by(QuarantineRow.board))
            }

    def release(self, board: str) -> None:
        """Lets a board take part again.

        Raises:
            ConfigError: it is not in quarantine.
        """
        with self._database.writing() as session:
            found: Any = session.execute(delete(QuarantineRow).where(QuarantineRow.board == board))
        if not found.rowcount:
            known = ", ".join(self.quarantines()) or "none"
            raise ConfigError(
                f"board {board!r} is not in quarantine by a run (those: {known})",
                hint="one that the farm file leaves out stands in it with `quarantine:`",
            )


def _fault(values: Mapping[str, str]) -> Fault:
    return Fault(kind=FaultKind(values["kind"]), text=values["text"], hint=values["hint"])


def _utc(time: datetime) -> datetime:
    """What goes in is UTC, but SQLite keeps no time zone, and others give it in theirs."""
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
