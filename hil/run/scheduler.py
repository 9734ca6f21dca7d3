"""Runs jobs on a farm: boards in parallel, each one job at a time."""

from __future__ import annotations

import contextlib
import hashlib
import os
import threading
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

from hil.farm import BoardKind, FarmBoard
from hil.run.faults import Fault, FaultKind, Owner
from hil.run.jobs import Candidate, Cell, Job
from hil.run.journal import Journal
from hil.run.limits import Limits
from hil.run.need import by_need, expected_s
from hil.run.observer import RunObserver, Unobserved
from hil.run.outcome import Attempt, Outcome, RunResult, Status, in_order
from hil.run.slots import Slots
from hil.run.worker import Worker
from host.evidence import History
from host.links.interruptible import Interrupted
from host.waiting import wait_until


def run_jobs(
    jobs: Sequence[Job],
    boards: Mapping[str, FarmBoard],
    history: History,
    *,
    limits: Limits | None = None,
    parallel: int | None = None,
    observer: RunObserver | None = None,
) -> RunResult:
    """Does all jobs of a run that have no outcome yet, and returns everybody's.

    May be called again with the same jobs after it ended in any way, SIGKILL included: what was
    reported is not done again. The same is true of jobs that :meth:`Journal.jobs` gives.

    Args:
        jobs: of one run, no two alike.
        boards: the farm's, by ``RACK/BOARD``; a job whose board is not there is not run.
        history: keeps each measurement, exactly once, and the journal.
        parallel: how many emulated boards may work at once; None: one a processor.
        observer: is told how it goes on.

    Raises:
        KeyboardInterrupt, SystemExit: it was called off; boards are released, and jobs in work
            have no outcome.
        ConfigError: the history cannot be written.
    """
    journal = Journal(history)
    journal.enlist(jobs)
    run = _Run(jobs, boards, history, journal, limits or Limits(), parallel, observer)
    return run.finish()


class _Run:
    """One call of :func:`run_jobs`."""

    def __init__(
        self,
        jobs: Sequence[Job],
        boards: Mapping[str, FarmBoard],
        history: History,
        journal: Journal,
        limits: Limits,
        parallel: int | None,
        observer: RunObserver | None,
    ) -> None:
        self._jobs = jobs
        self._boards = boards
        self._history = history
        self._journal = journal
        self._limits = limits
        self._slots = Slots(parallel or os.cpu_count() or 1)
        self._observer = observer or Unobserved()
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._attended = threading.Semaphore(0)
        self._outcomes = journal.outcomes(jobs)
        self._failure: BaseException | None = None
        self._pasts = journal.pasts()
        self._attempts = journal.attempts(jobs[0].run) if jobs else {}

    def finish(self) -> RunResult:
        done = {outcome.job.id for outcome in self._outcomes}
        self._observer.begun(self._run_id, self._jobs, len(done))
        queues = self._queues(job for job in self._jobs if job.id not in done)
        threads = [
            threading.Thread(target=self._attend, args=(name, queue), name=name)
            for name, queue in queues.items()
        ]
        try:
            for thread in threads:
                thread.start()
            # Not joined here: up to Python 3.12 a signal in a join has the thread taken for ended.
            for _ in threads:
                wait_until(lambda wait_s: self._attended.acquire(timeout=wait_s))
        finally:
            self._call_off()
            for thread in threads:
                if thread.ident is not None:
                    thread.join()
        if self._failure is not None:
            raise self._failure
        if self._jobs:
            self._journal.end(self._run_id)
        return RunResult(self._run_id, in_order(self._jobs, self._outcomes))

    @property
    def _run_id(self) -> str:
        return self._jobs[0].run if self._jobs else ""

    def _queues(self, pending: Iterable[Job]) -> dict[str, list[Job]]:
        """What each board has to do; jobs that cannot be done get their outcome here."""
        parked = {
            name: f"in quarantine since {entry.since:%Y-%m-%d %H:%M} UTC: {entry.reason}"
            for name, entry in self._journal.quarantines().items()
        }
        wrong: dict[Candidate, Fault | None] = {}
        queues: dict[str, list[Job]] = defaultdict(list)
        for job in pending:
            board = self._boards.get(job.board)
            if job.candidate not in wrong:
                wrong[job.candidate] = _check_file(job.candidate)
            fault = wrong[job.candidate]
            if fault is not None:
                self._settle(_now(job, Status.FAILED, fault=fault))
            elif board is None:
                self._settle(_now(job, Status.NOT_RUN, reason="the farm has no such board"))
            elif board.quarantine is not None:
                reason = f"the farm file has it in quarantine: {board.quarantine}"
                self._settle(_now(job, Status.NOT_RUN, reason=reason))
            elif job.board in parked:
                self._settle(_now(job, Status.NOT_RUN, reason=parked[job.board]))
            else:
                queues[job.board].append(job)
        return {name: by_need(queue, self._pasts) for name, queue in queues.items()}

    def _attend(self, name: str, queue: list[Job]) -> None:
        """One board's thread."""
        try:
            self._work_off(name, queue)
        except Interrupted:
            pass
        except BaseException as error:
            self._failure = self._failure or error
            self._call_off()
        finally:
            self._attended.release()

    def _work_off(self, name: str, queue: list[Job]) -> None:
        board = self._boards[name]
        worker = Worker(board, self._history, self._journal, self._limits, self._stop)
        lost, unfit = 0, dict[Cell, Fault]()
        for position, job in enumerate(queue):
            if job.cell in unfit:  # as its first session has shown
                self._settle(_now(job, Status.UNFIT, fault=unfit[job.cell]))
                continue
            left = queue[position:]
            remaining_s = sum(expected_s(other, self._pasts) for other in left)
            with self._room(board, remaining_s):
                if self._stop.is_set():
                    return
                outcome = self._do(worker, job)
            self._settle(outcome)
            if outcome.status == Status.UNFIT and outcome.fault is not None:
                unfit[job.cell] = outcome.fault
            lost = _lost(outcome, lost)
            if lost >= self._limits.quarantine_after:
                self._quarantine(name, lost, outcome, left[1:])
                return

    def _do(self, worker: Worker, job: Job) -> Outcome:
        with self._lock:
            self._observer.started(job)

        def on_stage(text: str) -> None:
            with self._lock:
                self._observer.stage(job, text)

        def on_attempt(attempt: Attempt, again: bool) -> None:
            with self._lock:
                self._observer.attempt_failed(job, attempt, again)

        return worker.do(
            job,
            deadline_s=self._limits.deadline_s(self._pasts.get(job.cell)),
            earlier=self._attempts.get(job.id, ()),
            on_stage=on_stage,
            on_attempt=on_attempt,
        )

    def _room(
        self, board: FarmBoard, remaining_s: float
    ) -> contextlib.AbstractContextManager[None]:
        """Of this machine's processors, what a board that is a program of it needs."""
        match board.kind:
            case BoardKind.EMULATOR:
                needed = 1
            case BoardKind.PROCESS:  # it is this machine that is measured: undisturbed
                needed = self._slots.count
            case _:
                return contextlib.nullcontext()
        return self._slots.taken(needed, remaining_s, self._stop)

    def _quarantine(self, name: str, lost: int, last: Outcome, rest: Sequence[Job]) -> None:
        reason = f"{lost} jobs in a row failed, the last with {last.fault}"
        self._journal.quarantine(name, reason, self._run_id)
        with self._lock:
            self._observer.quarantined(name, reason)
        for job in rest:
            reported = f"the board went into quarantine: {reason}"
            self._settle(_now(job, Status.NOT_RUN, reason=reported))

    def _settle(self, outcome: Outcome) -> None:
        mine = self._journal.settle(outcome)
        if not mine:  # the same run goes on in another process too, which was first
            (outcome,) = self._journal.outcomes([outcome.job])
        with self._lock:
            self._outcomes.append(outcome)
            if mine:
                self._observer.settled(outcome)

    def _call_off(self) -> None:
        self._stop.set()
        self._slots.wake()


def _lost(outcome: Outcome, before: int) -> int:
    """How many jobs in a row a board has lost."""
    fault = outcome.fault
    if fault is not None and fault.wears_out:
        return before + 1
    # Whoever has refused a model, or computed it wrongly, is there and answers.
    answered = fault is None or fault.owner == Owner.MODEL
    return 0 if answered else before


def _now(
    job: Job, status: Status, *, fault: Fault | None = None, reason: str | None = None
) -> Outcome:
    return Outcome(job=job, status=status, at=datetime.now(UTC), fault=fault, reason=reason)


def _check_file(candidate: Candidate) -> Fault | None:
    """Whether the file is what the job is about; a run may be resumed much later."""
    if candidate.refusal is not None or candidate.path is None:
        return Fault(kind=FaultKind.NOT_SUPPORTED, text=candidate.refusal or "there is no file")
    try:
        digest = hashlib.sha256(candidate.path.read_bytes()).hexdigest()
    except OSError as error:
        reason = f"{candidate.path}: {error.strerror or error}"
        return Fault(kind=FaultKind.CONFIGURATION, text=reason)
    if digest != candidate.sha256:
        return Fault(
            kind=FaultKind.CONFIGURATION,
            text=f"{candidate.path}: is another file than when the run began",
            hint="begin a new run",
        )
    return None
