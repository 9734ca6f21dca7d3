"""In which order jobs are done: by need, not by name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from hil.run.jobs import Cell, Job
from hil.run.journal import CellPast

_UNKNOWN_S = 60.0
"""A job of which nothing is known: rather too long, so that it is begun early."""


def by_need(jobs: Iterable[Job], pasts: Mapping[Cell, CellPast]) -> list[Job]:
    """The jobs of one board.

    First sessions come before second ones: a run that is cut short has seen every cell, and the
    sessions of a cell lie apart in time, as a board's noise is to be seen. Then cells that were
    never measured, then those that were not for longest; of equals, the longest job.
    """

    def need(job: Job) -> tuple[object, ...]:
        past = pasts.get(job.cell)
        measured_at = 0.0 if past is None else past.measured_at.timestamp()
        candidate = job.candidate
        return (
            job.session,
            measured_at,
            -expected_s(job, pasts),
            -candidate.size_bytes,
            candidate.name,
            candidate.precision,
        )

    return sorted(jobs, key=need)


def expected_s(job: Job, pasts: Mapping[Cell, CellPast]) -> float:
    """How long a job will take, by what its cell took before."""
    past = pasts.get(job.cell)
    return _UNKNOWN_S if past is None else past.took_s
