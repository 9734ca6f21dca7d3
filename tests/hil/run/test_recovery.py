"""Boards that fail are got going again where that makes sense, and left out where it does not."""

from __future__ import annotations

import threading
from pathlib import Path

import attrs
import pytest

from hil.farm import FarmBoard, Power, PowerKind
from hil.run import (
    Candidate,
    FaultKind,
    Job,
    Journal,
    Outcome,
    Owner,
    Status,
    Unobserved,
    plan_jobs,
    run_jobs,
)
from host.errors import ExitCode
from host.evidence import History
from tests.support.farm_runs import LIMITS, QUICK, WAYS, busy, by_board, run_on
from tests.support.faulty_boards import (
    Behaviour,
    FaultyBoard,
    FaultyRack,
    HangsInRun,
    ResetsInRun,
    UntilPowerCycled,
)


class _Mends(Unobserved):
    """Has a board behave well again once a try of a job has failed."""

    def __init__(self, board: FaultyBoard) -> None:
        self._board = board

    def attempt_failed(self, job: Job, attempt: object, again: bool) -> None:
        self._board.becomes(Behaviour)


@pytest.mark.parametrize("way", ["unplugged", "cut", "hangs", "resets"])
def test_a_fault_that_passes_is_tried_again_and_stays_visible(
    way: str, candidate: Candidate, history: History
) -> None:
    behave, _, owner, kind = WAYS[way]
    with FaultyRack(1) as rack:
        rack.boards[0].becomes(behave)
        result = run_on(rack, candidate, history, 1, observer=_Mends(rack.boards[0]))
    (outcome,) = result.outcomes
    assert outcome.status == Status.MEASURED
    assert outcome.fault is None
    (attempt,) = outcome.attempts
    assert (attempt.number, attempt.fault.owner, attempt.fault.kind) == (1, owner, kind)
    (again,) = Journal(history).outcomes([outcome.job])
    assert again == outcome
    assert outcome.to_dict()["attempts"][0]["fault"]["kind"] == str(kind)


def test_what_is_the_models_fault_is_not_tried_again(
    candidate: Candidate, history: History
) -> None:
    with FaultyRack(1) as rack:
        rack.boards[0].becomes(WAYS["does not fit"][0])
        result = run_on(rack, candidate, history, 3)
        assert rack.boards[0].connections == 1  # nor is it in later sessions
    assert result.exit_code == ExitCode.DONE
    assert {outcome.status for outcome in result.outcomes} == {Status.UNFIT}
    assert {outcome.attempts for outcome in result.outcomes} == {()}


def test_power_brings_a_hung_board_back(
    candidate: Candidate, history: History, tmp_path: Path
) -> None:
    switched = tmp_path / "switched"
    with FaultyRack(1) as rack:
        rack.boards[0].becomes(lambda: UntilPowerCycled(HangsInRun(), switched))
        (name, board), *_ = rack.farm_boards.items()
        boards = {name: _with_power(board, f"echo once >> {switched}")}
        jobs = plan_jobs([candidate], boards, sessions=2, settings=QUICK)
        result = run_jobs(jobs, boards, history, limits=LIMITS)
    assert [outcome.status for outcome in result.outcomes] == [Status.MEASURED] * 2
    (attempt,) = result.outcomes[0].attempts
    assert (attempt.fault.kind, attempt.power) == (FaultKind.SILENT, "cycled")
    assert switched.read_text() == "once\n"


def test_nobody_elses_board_is_switched_off(
    candidate: Candidate, history: History, tmp_path: Path
) -> None:
    switched = tmp_path / "switched"
    with FaultyRack(1) as rack:
        rack.boards[0].becomes(busy)
        (name, board), *_ = rack.farm_boards.items()
        boards = {name: _with_power(board, f"touch {switched}")}
        jobs = plan_jobs([candidate], boards, settings=QUICK)
        (outcome,) = run_jobs(jobs, boards, history, limits=LIMITS).outcomes
    assert outcome.fault is not None
    assert outcome.fault.kind == FaultKind.BUSY
    assert "somebody@else" in outcome.fault.text
    assert not switched.exists()


def test_power_that_cannot_be_switched_is_reported(candidate: Candidate, history: History) -> None:
    with FaultyRack(1) as rack:
        rack.boards[0].becomes(ResetsInRun)
        (name, board), *_ = rack.farm_boards.items()
        boards = {name: _with_power(board, "echo no such hub; exit 1")}
        jobs = plan_jobs([candidate], boards, settings=QUICK)
        (outcome,) = run_jobs(jobs, boards, history, limits=LIMITS).outcomes
    assert outcome.owner == Owner.BOARD
    assert [attempt.power or "" for attempt in outcome.attempts] != []
    assert all("no such hub" in (attempt.power or "") for attempt in outcome.attempts)


def test_a_board_that_keeps_failing_is_left_out_until_it_is_released(
    candidate: Candidate, history: History
) -> None:
    journal = Journal(history)
    with FaultyRack(2) as rack:
        rack.boards[0].becomes(None)
        result = run_on(rack, candidate, history, 6)
        found = by_board(result)
        assert found["rack/board-00"] == {Status.FAILED: 3, Status.NOT_RUN: 3}
        assert found["rack/board-01"] == {Status.MEASURED: 6}
        assert result.exit_code == ExitCode.BOARD_OR_LINK
        assert list(journal.quarantines()) == ["rack/board-00"]
        assert "3 jobs in a row failed" in journal.quarantines()["rack/board-00"].reason
        not_run = [o for o in result.outcomes if o.status == Status.NOT_RUN]
        assert all("link: gone" in (outcome.reason or "") for outcome in not_run)

        rack.boards[0].becomes(Behaviour)
        result = run_on(rack, candidate, history, 1)
        assert by_board(result)["rack/board-00"] == {Status.NOT_RUN: 1}
        journal.release("rack/board-00")
        result = run_on(rack, candidate, history, 1)
        assert by_board(result)["rack/board-00"] == {Status.MEASURED: 1}


def test_a_board_does_one_job_at_a_time_and_boards_work_in_parallel(
    candidate: Candidate, history: History
) -> None:
    class Watch(Unobserved):
        def __init__(self) -> None:
            self.busy: set[str] = set()
            self.most = 0

        def started(self, job: Job) -> None:
            assert job.board not in self.busy
            self.busy.add(job.board)
            self.most = max(self.most, len(self.busy))

        def settled(self, outcome: Outcome) -> None:
            self.busy.discard(outcome.job.board)

    watch = Watch()
    with FaultyRack(4) as rack:
        run_on(rack, candidate, history, 5, observer=watch)
    assert watch.most > 1
    assert threading.active_count() < 10


def _with_power(board: FarmBoard, cycle: str) -> FarmBoard:
    return attrs.evolve(board, power=Power(kind=PowerKind.COMMAND, cycle_command=cycle))
