"""Every way in which a job can fail, on boards that really fail so: whose fault is it?"""

from __future__ import annotations

import os
import threading
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

import attrs
import pytest

from hil.emulators.atmega328p import Atmega328pEmulator
from hil.farm import BoardKind, FarmBoard, Power, PowerKind
from hil.run import (
    Candidate,
    FaultKind,
    Job,
    Journal,
    Limits,
    Outcome,
    Owner,
    RunObserver,
    RunResult,
    Settings,
    Status,
    Unobserved,
    make_candidates,
    plan_jobs,
    run_jobs,
)
from host.errors import ExitCode, LinkError
from host.evidence import History, Query
from host.links.serial import SerialLink
from host.measurement import measure
from host.programming import avrdude
from protocol.errors import ErrorCode
from protocol.messages import MessageType
from tests.support.faulty_boards import (
    Behave,
    Behaviour,
    CutInUpload,
    FaultyBoard,
    FaultyRack,
    Garbles,
    HangsInRun,
    Loses,
    Malformed,
    Mute,
    Refuses,
    ResetsInRun,
    RunSays,
    UntilPowerCycled,
)
from tests.support.make import ROOT
from tests.support.pc_agent import running_agent

_MODEL = ROOT / "examples" / "digits_mlp_int8.tflite"
_QUICK = Settings(iterations=2, warmup=0)
_LIMITS = Limits(attempts=2, retry_delay_s=0.05, busy_wait_s=0.3, job_deadline_s=60.0)
_HOLDER = b"somebody@else".ljust(16, b"\0")


def _busy() -> Behaviour:
    return Refuses(MessageType.LEASE, ErrorCode.BUSY, {"lease_left_ms": 60_000, "holder": _HOLDER})


_WAYS: dict[str, tuple[Behave | None, Status, Owner, FaultKind]] = {
    "unplugged": (None, Status.FAILED, Owner.LINK, FaultKind.GONE),
    "cut": (CutInUpload, Status.FAILED, Owner.LINK, FaultKind.GONE),
    "garbled": (Garbles, Status.FAILED, Owner.LINK, FaultKind.NOISY),
    "lossy": (Loses, Status.FAILED, Owner.LINK, FaultKind.NOISY),
    "mute": (Mute, Status.FAILED, Owner.BOARD, FaultKind.SILENT),
    "hangs": (HangsInRun, Status.FAILED, Owner.BOARD, FaultKind.SILENT),
    "resets": (ResetsInRun, Status.FAILED, Owner.BOARD, FaultKind.RESET),
    "malformed": (Malformed, Status.FAILED, Owner.BOARD, FaultKind.MISBEHAVED),
    "bad memory": (
        lambda: Refuses(MessageType.PLAN_END, ErrorCode.UPLOAD_CHECKSUM),
        Status.FAILED,
        Owner.BOARD,
        FaultKind.MISBEHAVED,
    ),
    "unstable": (
        lambda: RunSays({"unstable_at": lambda _: 0}),
        Status.WRONG,
        Owner.BOARD,
        FaultKind.NONDETERMINISTIC,
    ),
    "wrong output": (
        lambda: RunSays({"output_crc32": lambda crc: crc ^ 1}),
        Status.WRONG,
        Owner.MODEL,
        FaultKind.MISMATCH,
    ),
    "does not fit": (
        lambda: Refuses(
            MessageType.PLAN_END, ErrorCode.ARENA_TOO_SMALL, {"needed": 9000, "available": 1000}
        ),
        Status.UNFIT,
        Owner.MODEL,
        FaultKind.DOES_NOT_FIT,
    ),
    "busy": (_busy, Status.FAILED, Owner.INFRASTRUCTURE, FaultKind.BUSY),
}
"""How a board behaves, and what must be reported of it."""


@pytest.fixture
def history(tmp_path: Path) -> Iterator[History]:
    with History.open(str(tmp_path / "history.sqlite")) as opened:
        yield opened


@pytest.fixture(scope="module")
def candidate() -> Candidate:
    (made,) = make_candidates([_MODEL])
    return made


def _run(
    rack: FaultyRack,
    candidate: Candidate,
    history: History,
    sessions: int,
    *,
    limits: Limits = _LIMITS,
    observer: RunObserver | None = None,
) -> RunResult:
    jobs = plan_jobs([candidate], rack.farm_boards, sessions=sessions, settings=_QUICK)
    return run_jobs(jobs, rack.farm_boards, history, limits=limits, observer=observer)


class _Ill(Unobserved):
    """Gives a board the ailment of its next job as that begins, by its number on the board."""

    def __init__(self, rack: FaultyRack, course: Sequence[str | None]) -> None:
        self._boards = {f"rack/{board.name}": board for board in rack.boards}
        self._course = course
        self._numbers: Counter[str] = Counter()
        self.meant: dict[str, str | None] = {}

    def started(self, job: Job) -> None:
        way = self._course[self._numbers[job.board] % len(self._course)]
        self._numbers[job.board] += 1
        self.meant[job.id] = way
        self._boards[job.board].becomes(Behaviour if way is None else _WAYS[way][0])


def _spread() -> list[str | None]:
    """Twenty jobs of a board with each ailment once: never three in a row that wear it out."""
    course: list[str | None] = []
    for number, way in enumerate(_WAYS):
        course.append(way)
        if number % 2:
            course.append(None)
    return [*course, *[None] * (20 - len(course))]


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_a_thousand_jobs_on_fifty_boards_with_every_fault(
    candidate: Candidate, history: History
) -> None:
    with FaultyRack(50) as rack:
        ill = _Ill(rack, _spread())
        # No second tries: half of the time would go into waiting for boards that stay silent.
        limits = attrs.evolve(_LIMITS, attempts=1)
        result = _run(rack, candidate, history, 20, limits=limits, observer=ill)
    assert len(result.outcomes) == len({outcome.job.id for outcome in result.outcomes}) == 1000
    found: dict[str | None, Counter[object]] = defaultdict(Counter)
    for outcome in result.outcomes:
        kind = outcome.fault.kind if outcome.fault else None
        found[ill.meant[outcome.job.id]][outcome.status, outcome.owner, kind] += 1
    assert found.pop(None) == {(Status.MEASURED, None, None): 350}
    assert found == {way: {expected[1:]: 50} for way, expected in _WAYS.items()}
    kept = history.find(Query())
    assert len(kept) == len(result.records) == 350 + 2 * 50  # the wrong ones are evidence too
    assert result.exit_code == ExitCode.MISMATCH
    assert not Journal(history).quarantines()


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
    behave, _, owner, kind = _WAYS[way]
    with FaultyRack(1) as rack:
        rack.boards[0].becomes(behave)
        result = _run(rack, candidate, history, 1, observer=_Mends(rack.boards[0]))
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
        rack.boards[0].becomes(_WAYS["does not fit"][0])
        result = _run(rack, candidate, history, 1)
        assert rack.boards[0].connections == 1
    assert result.exit_code == ExitCode.DONE
    assert result.outcomes[0].status == Status.UNFIT


def test_power_brings_a_hung_board_back(
    candidate: Candidate, history: History, tmp_path: Path
) -> None:
    switched = tmp_path / "switched"
    with FaultyRack(1) as rack:
        rack.boards[0].becomes(lambda: UntilPowerCycled(HangsInRun(), switched))
        (name, board), *_ = rack.farm_boards.items()
        boards = {name: _with_power(board, f"echo once >> {switched}")}
        jobs = plan_jobs([candidate], boards, sessions=2, settings=_QUICK)
        result = run_jobs(jobs, boards, history, limits=_LIMITS)
    assert [outcome.status for outcome in result.outcomes] == [Status.MEASURED] * 2
    (attempt,) = result.outcomes[0].attempts
    assert (attempt.fault.kind, attempt.power) == (FaultKind.SILENT, "cycled")
    assert switched.read_text() == "once\n"


def test_nobody_elses_board_is_switched_off(
    candidate: Candidate, history: History, tmp_path: Path
) -> None:
    switched = tmp_path / "switched"
    with FaultyRack(1) as rack:
        rack.boards[0].becomes(_busy)
        (name, board), *_ = rack.farm_boards.items()
        boards = {name: _with_power(board, f"touch {switched}")}
        jobs = plan_jobs([candidate], boards, settings=_QUICK)
        (outcome,) = run_jobs(jobs, boards, history, limits=_LIMITS).outcomes
    assert outcome.fault is not None
    assert outcome.fault.kind == FaultKind.BUSY
    assert "somebody@else" in outcome.fault.text
    assert not switched.exists()


def test_power_that_cannot_be_switched_is_reported(candidate: Candidate, history: History) -> None:
    with FaultyRack(1) as rack:
        rack.boards[0].becomes(ResetsInRun)
        (name, board), *_ = rack.farm_boards.items()
        boards = {name: _with_power(board, "echo no such hub; exit 1")}
        jobs = plan_jobs([candidate], boards, settings=_QUICK)
        (outcome,) = run_jobs(jobs, boards, history, limits=_LIMITS).outcomes
    assert outcome.owner == Owner.BOARD
    assert [attempt.power or "" for attempt in outcome.attempts] != []
    assert all("no such hub" in (attempt.power or "") for attempt in outcome.attempts)


def test_a_board_that_keeps_failing_is_left_out_until_it_is_released(
    candidate: Candidate, history: History
) -> None:
    journal = Journal(history)
    with FaultyRack(2) as rack:
        rack.boards[0].becomes(None)
        result = _run(rack, candidate, history, 6)
        by_board = _by_board(result)
        assert by_board["rack/board-00"] == {Status.FAILED: 3, Status.NOT_RUN: 3}
        assert by_board["rack/board-01"] == {Status.MEASURED: 6}
        assert result.exit_code == ExitCode.BOARD_OR_LINK
        assert list(journal.quarantines()) == ["rack/board-00"]
        assert "3 jobs in a row failed" in journal.quarantines()["rack/board-00"].reason
        not_run = [o for o in result.outcomes if o.status == Status.NOT_RUN]
        assert all("link: gone" in (outcome.reason or "") for outcome in not_run)

        rack.boards[0].becomes(Behaviour)
        result = _run(rack, candidate, history, 1)
        assert _by_board(result)["rack/board-00"] == {Status.NOT_RUN: 1}
        journal.release("rack/board-00")
        result = _run(rack, candidate, history, 1)
        assert _by_board(result)["rack/board-00"] == {Status.MEASURED: 1}


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
        _run(rack, candidate, history, 5, observer=watch)
    assert watch.most > 1
    assert threading.active_count() < 10


def test_a_model_that_hangs_healthy_boards_is_the_suspect(history: History) -> None:
    class HungByTheLarger(Unobserved):
        def __init__(self, rack: FaultyRack) -> None:
            self._boards = {f"rack/{board.name}": board for board in rack.boards}

        def started(self, job: Job) -> None:
            hangs = job.candidate.name == "digits_cnn_int8.tflite"
            self._boards[job.board].becomes(HangsInRun if hangs else Behaviour)

    candidates = make_candidates([_MODEL, _MODEL.with_name("digits_cnn_int8.tflite")])
    with FaultyRack(2) as rack:
        jobs = plan_jobs(candidates, rack.farm_boards, settings=_QUICK)
        limits = attrs.evolve(_LIMITS, attempts=1)
        observer = HungByTheLarger(rack)
        result = run_jobs(jobs, rack.farm_boards, history, limits=limits, observer=observer)
    (suspect,) = result.suspects
    assert suspect.name == "digits_cnn_int8.tflite"
    assert suspect.boards == ("rack/board-00", "rack/board-01")


def test_another_board_in_its_place_is_found_out(candidate: Candidate, history: History) -> None:
    with FaultyRack(1) as rack:
        boards = {
            name: attrs.evolve(board, device="pico") for name, board in rack.farm_boards.items()
        }
        jobs = plan_jobs([candidate], boards, sessions=4, settings=_QUICK)
        result = run_jobs(jobs, boards, history, limits=_LIMITS)
    kinds = {outcome.fault.kind for outcome in result.outcomes if outcome.fault}
    assert kinds == {FaultKind.WRONG_BOARD}
    assert {outcome.owner for outcome in result.outcomes} == {Owner.INFRASTRUCTURE}
    assert "'pc', not 'pico'" in str(result.outcomes[0].fault)
    assert not Journal(history).quarantines()


def test_a_port_that_another_program_has_is_no_fault_of_the_cable(
    candidate: Candidate, history: History
) -> None:
    with running_agent(transport=("--pty",)) as path:
        board = FarmBoard(id="taken", kind=BoardKind.SERIAL, path=path)
        taken = SerialLink(path)
        try:
            jobs = plan_jobs([candidate], {"rack/taken": board}, settings=_QUICK)
            (outcome,) = run_jobs(jobs, {"rack/taken": board}, history, limits=_LIMITS).outcomes
        finally:
            taken.close()
    assert outcome.fault is not None
    assert outcome.fault.kind == FaultKind.BUSY


@pytest.mark.parametrize("script", ["exit 1", "exec sleep 60"])
def test_flash_that_cannot_be_written_is_never_a_time_out(
    script: str,
    candidate: Candidate,
    history: History,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tool = tmp_path / "avrdude"
    tool.write_text(f"#!/bin/sh\necho no sync\n{script}\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(avrdude, "_DEADLINE_S", 0.5)
    uno = Atmega328pEmulator().start()
    try:
        board = FarmBoard(
            id="uno", kind=BoardKind.TCP, device="uno", address=f"{uno.host}:{uno.port}"
        )
        jobs = plan_jobs([candidate], {"rack/uno": board}, settings=_QUICK)
        limits = attrs.evolve(_LIMITS, attempts=1)
        result = run_jobs(jobs, {"rack/uno": board}, history, limits=limits)
    finally:
        uno.stop()
    (outcome,) = result.outcomes
    assert outcome.fault is not None
    assert (outcome.fault.kind, outcome.owner) == (FaultKind.PROGRAMMING, Owner.BOARD)
    assert "programming uno failed" in outcome.fault.text
    assert result.exit_code == ExitCode.BOARD_OR_LINK


def test_an_emulator_that_cannot_start_is_the_infrastructures(
    candidate: Candidate, history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    def start(*_: object, **__: object) -> None:
        raise LinkError("the emulated board stopped (node, exit code 1)")

    monkeypatch.setattr(Atmega328pEmulator, "start", start)
    boards = {"rack/uno": FarmBoard(id="uno", kind=BoardKind.EMULATOR, emulator="uno")}
    jobs = plan_jobs([candidate], boards, sessions=4, settings=_QUICK)
    result = run_jobs(jobs, boards, history, limits=_LIMITS)
    assert {outcome.owner for outcome in result.outcomes} == {Owner.INFRASTRUCTURE}
    assert {len(outcome.attempts) for outcome in result.outcomes} == {2}
    assert not Journal(history).quarantines()


def test_a_bug_ends_its_job_and_not_the_run(
    candidate: Candidate, history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measure, "build_record", lambda _: 1 / 0)
    with FaultyRack(1) as rack:
        result = _run(rack, candidate, history, 2)
    faults = [outcome.fault for outcome in result.outcomes if outcome.fault]
    assert [fault.kind for fault in faults] == [FaultKind.BUG] * 2
    assert "ZeroDivisionError" in faults[0].text
    assert result.exit_code == ExitCode.BUG


def test_a_job_ends_by_its_deadline(candidate: Candidate, history: History) -> None:
    limits = attrs.evolve(_LIMITS, job_deadline_s=1.0)
    with FaultyRack(1) as rack:
        rack.boards[0].becomes(Mute)  # the session alone would wait eight seconds
        result = _run(rack, candidate, history, 1, limits=limits)
    (outcome,) = result.outcomes
    assert outcome.fault is not None
    assert (outcome.fault.kind, outcome.owner) == (FaultKind.TOO_SLOW, Owner.BOARD)
    assert outcome.took_s < 4.0
    assert len(outcome.attempts) == 1


def _by_board(result: RunResult) -> dict[str, Counter[Status]]:
    found: dict[str, Counter[Status]] = defaultdict(Counter)
    for outcome in result.outcomes:
        found[outcome.job.board][outcome.status] += 1
    return dict(found)


def _with_power(board: FarmBoard, cycle: str) -> FarmBoard:
    return attrs.evolve(board, power=Power(kind=PowerKind.COMMAND, cycle_command=cycle))
