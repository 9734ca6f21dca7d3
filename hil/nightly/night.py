"""A night from the first board to the verdict: measure, replay golden sets, compare."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import attrs

from hil.farm import FarmBoard
from hil.golden.night import NightReplay, SetWithModel, replay_on_boards
from hil.nightly.baseline import Baseline
from hil.nightly.cells import CellKey
from hil.nightly.compare import compare
from hil.nightly.verdicts import CellVerdict, NightVerdict, Status
from hil.run import Candidate, Outcome, RunObserver, RunResult, plan_jobs, run_jobs
from hil.run import Status as JobStatus
from host.evidence import History


@attrs.frozen(kw_only=True)
class NightPlan:
    """What a night does.

    ``boards`` by ``RACK/BOARD``. ``sessions``: measurements of each model on each physical board;
    of an emulated one the second would be as the first. ``keep``: folder for the tensors of samples
    that a board gets wrong.
    """

    candidates: Sequence[Candidate]
    boards: Mapping[str, FarmBoard]
    sessions: int = 1
    golden: tuple[SetWithModel, ...] = ()
    parallel: int | None = None
    keep: Path | None = None


@attrs.frozen
class Night:
    """What a night measured and replayed."""

    run: RunResult
    replays: tuple[NightReplay, ...]


def measure_night(
    plan: NightPlan,
    history: History,
    observer: RunObserver | None = None,
    replayed: Callable[[NightReplay], None] = lambda _: None,
) -> Night:
    """Measures and replays.

    Args:
        replayed: is told of each replay, from any thread.

    Raises:
        ConfigError: the history cannot be written.
        KeyboardInterrupt: it was called off; boards are released.
    """
    jobs = [
        job
        for job in plan_jobs(plan.candidates, plan.boards, sessions=plan.sessions)
        if job.session == 1 or plan.boards[job.board].emulator is None
    ]
    result = run_jobs(jobs, plan.boards, history, parallel=plan.parallel, observer=observer)
    replays = replay_on_boards(plan.golden, plan.boards, keep=plan.keep, done=replayed)
    return Night(result, replays)


def judge_night(baseline: Baseline, night: Night, boards: Mapping[str, FarmBoard]) -> NightVerdict:
    """Compares what the night measured, and says why of what it did not.

    Raises:
        ConfigError: nothing was measured.
    """
    verdict = compare(baseline, night.run.records)
    return attrs.evolve(
        verdict,
        cells=tuple(_explained(cell, night.run.outcomes, boards) for cell in verdict.cells),
        outcomes=night.run.outcomes,
        replays=night.replays,
    )


def _explained(
    cell: CellVerdict, outcomes: Sequence[Outcome], boards: Mapping[str, FarmBoard]
) -> CellVerdict:
    if cell.status != Status.MISSING:
        return cell
    notes = [
        f"{outcome.job.board}: {outcome.fault or outcome.reason}"
        for outcome in outcomes
        if outcome.status != JobStatus.MEASURED and _is_of(outcome, cell.key, boards)
    ]
    return attrs.evolve(cell, notes=(*cell.notes, *dict.fromkeys(notes)))


def _is_of(outcome: Outcome, key: CellKey, boards: Mapping[str, FarmBoard]) -> bool:
    job = outcome.job
    board = boards.get(job.board)
    device = None if board is None else board.device or board.emulator
    of_model = (job.candidate.name, job.candidate.precision) == (key.model, key.precision)
    return of_model and device in (None, key.board)
