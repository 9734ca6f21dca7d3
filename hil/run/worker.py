"""Does the jobs of one board, one after another."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime

from hil.farm import BoardKind, FarmBoard, placed, power_cycle
from hil.run.faults import Fault, FaultKind, fault_in, fault_of
from hil.run.jobs import Job
from hil.run.journal import Journal
from hil.run.limits import Limits
from hil.run.outcome import Attempt, Outcome, Status
from host.errors import JumpstationError, LinkError
from host.evidence import History
from host.links.interruptible import Interrupted
from host.measurement import measure
from host.measurement.observer import Silent
from host.measurement.on_board import release_board
from host.session import Deadline

_BUSY_POLL_S = 2.0
_RETURN_S = 10.0
"""How long a USB device may take to be back on the bus."""
_RETURN_POLL_S = 0.25

AttemptObserver = Callable[[Attempt, bool], None]
"""Told of a try that failed, and whether there is another."""


class Worker:
    """Measures on one board of the farm, and gets it going again where it fails."""

    def __init__(
        self,
        board: FarmBoard,
        history: History,
        journal: Journal,
        limits: Limits,
        stop: threading.Event,
    ) -> None:
        """``stop`` calls off what is going on."""
        self._board = board
        self._emulated = board.kind == BoardKind.EMULATOR
        self._history = history
        self._journal = journal
        self._limits = limits
        self._stop = stop
        self._left_by: Job | None = None
        """The last job that failed: the board may think that it holds it still."""

    def do(
        self,
        job: Job,
        *,
        deadline_s: float,
        earlier: tuple[Attempt, ...] = (),
        on_stage: Callable[[str], None] = lambda _: None,
        on_attempt: AttemptObserver = lambda _attempt, _again: None,
    ) -> Outcome:
        """Measures until it succeeds, or until another try makes no sense.

        A measurement is in the history when this returns; the outcome is for the caller to settle.

        Args:
            deadline_s: for all tries together.
            earlier: tries that failed before the run was resumed.

        Raises:
            Interrupted: it was called off; the job has no outcome.
            ConfigError: history or journal cannot be written.
        """
        kept = self._history.find_key(job.id)
        if kept is not None:  # the run was killed between measuring and writing that down
            fault = fault_in(kept.output)
            status = Status.MEASURED if fault is None else Status.WRONG
            return Outcome(
                job=job, status=status, at=kept.at, fault=fault, attempts=earlier, record=kept
            )
        attempts, deadline = earlier, Deadline(deadline_s)
        tries = 0
        while True:
            tries += 1
            started = time.monotonic()
            found = self._measure(job, deadline, on_stage)
            if isinstance(found, measure.Outcome):
                return self._keep(job, found, attempts, deadline)
            if found.kind in _UNFIT:
                return self._given_up(job, Status.UNFIT, found, attempts, deadline)
            again = found.again and tries < self._limits.attempts and not deadline.expired
            took_s = time.monotonic() - started
            number = len(attempts) + 1
            # Before the power is switched, so that a crash in the midst of that hides nothing.
            attempt = Attempt(number=number, fault=found, took_s=took_s)
            self._journal.attempted(job, attempt)
            power = self._power_cycle(found, on_stage)
            if power is not None:
                attempt = Attempt(number=number, fault=found, took_s=took_s, power=power)
                self._journal.attempted(job, attempt)
            attempts, self._left_by = (*attempts, attempt), job
            on_attempt(attempt, again)
            if not again:
                return self._given_up(job, Status.FAILED, found, attempts, deadline)
            self._pause(self._limits.retry_delay_s)

    def _given_up(
        self,
        job: Job,
        status: Status,
        fault: Fault,
        attempts: tuple[Attempt, ...],
        deadline: Deadline,
    ) -> Outcome:
        return Outcome(
            job=job,
            status=status,
            at=datetime.now(UTC),
            took_s=deadline.elapsed_s,
            fault=fault,
            attempts=attempts,
        )

    def _keep(
        self,
        job: Job,
        found: measure.Outcome,
        attempts: tuple[Attempt, ...],
        deadline: Deadline,
    ) -> Outcome:
        self._left_by = None
        self._history.add(found.record, found.plan_ops, key=job.id)
        fault = fault_in(found.record.output)
        return Outcome(
            job=job,
            status=Status.MEASURED if fault is None else Status.WRONG,
            at=found.record.at,
            took_s=deadline.elapsed_s,
            fault=fault,
            attempts=attempts,
            record=found.record,
        )

    def _measure(
        self, job: Job, deadline: Deadline, on_stage: Callable[[str], None]
    ) -> measure.Outcome | Fault:
        """One try; a board that somebody else holds is waited for within it."""
        patience = Deadline(min(self._limits.busy_wait_s, deadline.remaining_s))
        while True:
            fault = self._try(job, deadline, on_stage)
            if isinstance(fault, measure.Outcome) or fault.kind != FaultKind.BUSY:
                return fault
            if self._release_left(deadline):
                continue
            if patience.expired:
                return fault
            on_stage(f"waiting: {fault.text}")
            self._pause(min(_BUSY_POLL_S, patience.remaining_s))

    def _try(
        self, job: Job, deadline: Deadline, on_stage: Callable[[str], None]
    ) -> measure.Outcome | Fault:
        try:
            place = placed(self._board)
            return measure.run_measurement(
                job.request(place), _Stages(on_stage), _Until(self._stop, deadline)
            )
        except Interrupted:
            if self._stop.is_set():
                raise
            return Fault(
                kind=FaultKind.EMULATOR if self._emulated else FaultKind.TOO_SLOW,
                text=f"not done within the job's deadline of {deadline.elapsed_s:.0f} s",
                hint="give it longer with --job-deadline-s, or fewer --iterations",
            )
        except Exception as error:
            self._check_stop()  # what is called off may fail in ways of its own
            return fault_of(error, emulated=self._emulated)

    def _release_left(self, deadline: Deadline) -> bool:
        """Gives back what a job before was cut off from, so that its own rack does not lock the
        next one out; whether that was it."""
        left, self._left_by = self._left_by, None
        if left is None:
            return False
        try:
            release_board(left.request(placed(self._board)), _Until(self._stop, deadline))
        except JumpstationError:
            return False
        return True

    def _power_cycle(self, fault: Fault, on_stage: Callable[[str], None]) -> str | None:
        """Has the board start anew where its fault asks for that; how it went, None: not done."""
        if not fault.wants_power_cycle or self._board.power is None:
            return None
        on_stage("switching its power off and on")
        try:
            power_cycle(self._board.power)
        except JumpstationError as error:
            return f"failed: {error}"
        self._await_return()
        return "cycled"

    def _await_return(self) -> None:
        """Until a USB device has its port again; what does not come back is found missing next."""
        deadline = Deadline(_RETURN_S)
        while self._board.kind == BoardKind.SERIAL and not deadline.expired:
            try:
                placed(self._board)
            except LinkError:
                self._pause(_RETURN_POLL_S)
            else:
                return

    def _pause(self, seconds: float) -> None:
        self._stop.wait(seconds)
        self._check_stop()

    def _check_stop(self) -> None:
        if self._stop.is_set():
            raise Interrupted


_UNFIT = frozenset({FaultKind.DOES_NOT_FIT, FaultKind.NOT_SUPPORTED})


class _Until:
    """Implements :class:`host.links.interruptible.StopSignal`: called off, or out of time."""

    def __init__(self, stop: threading.Event, deadline: Deadline) -> None:
        self._stop = stop
        self._deadline = deadline

    def is_set(self) -> bool:
        return self._stop.is_set() or self._deadline.expired


class _Stages(Silent):
    """Passes on what is being done."""

    def __init__(self, on_stage: Callable[[str], None]) -> None:
        self._on_stage = on_stage

    def stage(self, text: str) -> None:
        self._on_stage(text)
