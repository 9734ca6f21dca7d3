"""Who is told how a run goes on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from hil.run.jobs import Job
from hil.run.outcome import Attempt, Outcome


class RunObserver(Protocol):
    """Is told by one thread at a time, and must not take long."""

    def begun(self, run: str, jobs: Sequence[Job], settled: int) -> None:
        """Of the jobs, ``settled`` have an outcome from before a crash."""

    def started(self, job: Job) -> None:
        """Its board is at work on it."""

    def stage(self, job: Job, text: str) -> None:
        """What is being done now."""

    def attempt_failed(self, job: Job, attempt: Attempt, again: bool) -> None:
        """``again``: it is tried once more."""

    def settled(self, outcome: Outcome) -> None:
        """A job has its outcome, which is on the disk."""

    def quarantined(self, board: str, reason: str) -> None:
        """The rest of its jobs are not run."""


class Unobserved:
    """Implements :class:`RunObserver`: nobody looks on."""

    def begun(self, run: str, jobs: Sequence[Job], settled: int) -> None: ...
    def started(self, job: Job) -> None: ...
    def stage(self, job: Job, text: str) -> None: ...
    def attempt_failed(self, job: Job, attempt: Attempt, again: bool) -> None: ...
    def settled(self, outcome: Outcome) -> None: ...
    def quarantined(self, board: str, reason: str) -> None: ...
