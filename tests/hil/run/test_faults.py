"""Every way in which a job can fail, on boards that really fail so: whose fault is it?"""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path

import attrs
import pytest

from hil.emulators.atmega328p import Atmega328pEmulator
from hil.farm import BoardKind, FarmBoard
from hil.farm.file import NO_FLASH
from hil.run import (
    Candidate,
    FaultKind,
    Job,
    Journal,
    Owner,
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
from tests.support.farm_runs import LIMITS, MODEL, QUICK, WAYS, run_on
from tests.support.faulty_boards import (
    Behaviour,
    FaultyRack,
    HangsInRun,
    Mute,
)
from tests.support.pc_agent import running_agent


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
        self._boards[job.board].becomes(Behaviour if way is None else WAYS[way][0])


def _spread() -> list[str | None]:
    """Twenty jobs of a board with each ailment once: never three in a row that wear it out."""
    course: list[str | None] = []
    for number, way in enumerate(way for way in WAYS if way != _LAST):
        course.append(way)
        if number % 2:
            course.append(None)
    return [*course, *[None] * (19 - len(course)), _LAST]


_LAST = "does not fit"
"""What does not fit once is not asked for again."""


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_a_thousand_jobs_on_fifty_boards_with_every_fault(
    candidate: Candidate, history: History
) -> None:
    with FaultyRack(50) as rack:
        ill = _Ill(rack, _spread())
        # No second tries: half of the time would go into waiting for boards that stay silent.
        limits = attrs.evolve(LIMITS, attempts=1)
        result = run_on(rack, candidate, history, 20, limits=limits, observer=ill)
    assert len(result.outcomes) == len({outcome.job.id for outcome in result.outcomes}) == 1000
    found: dict[str | None, Counter[object]] = defaultdict(Counter)
    for outcome in result.outcomes:
        kind = outcome.fault.kind if outcome.fault else None
        found[ill.meant[outcome.job.id]][outcome.status, outcome.owner, kind] += 1
    assert found.pop(None) == {(Status.MEASURED, None, None): 350}
    assert found == {way: {expected[1:]: 50} for way, expected in WAYS.items()}
    kept = history.find(Query())
    assert len(kept) == len(result.records) == 350 + 2 * 50  # the wrong ones are evidence too
    assert result.exit_code == ExitCode.MISMATCH
    assert not Journal(history).quarantines()


def test_a_model_that_hangs_healthy_boards_is_the_suspect(history: History) -> None:
    class HungByTheLarger(Unobserved):
        def __init__(self, rack: FaultyRack) -> None:
            self._boards = {f"rack/{board.name}": board for board in rack.boards}

        def started(self, job: Job) -> None:
            hangs = job.candidate.name == "digits_cnn_int8.tflite"
            self._boards[job.board].becomes(HangsInRun if hangs else Behaviour)

    candidates = make_candidates([MODEL, MODEL.with_name("digits_cnn_int8.tflite")])
    with FaultyRack(2) as rack:
        jobs = plan_jobs(candidates, rack.farm_boards, settings=QUICK)
        limits = attrs.evolve(LIMITS, attempts=1)
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
        jobs = plan_jobs([candidate], boards, sessions=4, settings=QUICK)
        result = run_jobs(jobs, boards, history, limits=LIMITS)
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
            jobs = plan_jobs([candidate], {"rack/taken": board}, settings=QUICK)
            (outcome,) = run_jobs(jobs, {"rack/taken": board}, history, limits=LIMITS).outcomes
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
        jobs = plan_jobs([candidate], {"rack/uno": board}, settings=QUICK)
        limits = attrs.evolve(LIMITS, attempts=1)
        result = run_jobs(jobs, {"rack/uno": board}, history, limits=limits)
    finally:
        uno.stop()
    (outcome,) = result.outcomes
    assert outcome.fault is not None
    assert (outcome.fault.kind, outcome.owner) == (FaultKind.PROGRAMMING, Owner.BOARD)
    assert "programming uno failed" in outcome.fault.text
    assert result.exit_code == ExitCode.BOARD_OR_LINK


def test_a_board_whose_flash_is_not_to_be_written_is_left_as_it_is(
    candidate: Candidate, history: History
) -> None:
    uno = Atmega328pEmulator().start()
    try:
        board = FarmBoard(
            id="uno",
            kind=BoardKind.TCP,
            device="uno",
            address=f"{uno.host}:{uno.port}",
            flash=NO_FLASH,
        )
        jobs = plan_jobs([candidate], {"rack/uno": board}, settings=QUICK)
        (outcome,) = run_jobs(jobs, {"rack/uno": board}, history, limits=LIMITS).outcomes
    finally:
        uno.stop()
    assert outcome.fault is not None
    assert outcome.fault.kind == FaultKind.CONFIGURATION
    assert "not to be programmed" in outcome.fault.text


def test_an_emulator_that_cannot_start_is_the_infrastructures(
    candidate: Candidate, history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    def start(*_: object, **__: object) -> None:
        raise LinkError("the emulated board stopped (node, exit code 1)")

    monkeypatch.setattr(Atmega328pEmulator, "start", start)
    boards = {"rack/uno": FarmBoard(id="uno", kind=BoardKind.EMULATOR, emulator="uno")}
    jobs = plan_jobs([candidate], boards, sessions=4, settings=QUICK)
    result = run_jobs(jobs, boards, history, limits=LIMITS)
    assert {outcome.owner for outcome in result.outcomes} == {Owner.INFRASTRUCTURE}
    assert {len(outcome.attempts) for outcome in result.outcomes} == {2}
    assert not Journal(history).quarantines()


def test_a_bug_ends_its_job_and_not_the_run(
    candidate: Candidate, history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measure, "build_record", lambda _: 1 / 0)
    with FaultyRack(1) as rack:
        result = run_on(rack, candidate, history, 2)
    faults = [outcome.fault for outcome in result.outcomes if outcome.fault]
    assert [fault.kind for fault in faults] == [FaultKind.BUG] * 2
    assert "ZeroDivisionError" in faults[0].text
    assert result.exit_code == ExitCode.BUG


def test_a_job_ends_by_its_deadline(candidate: Candidate, history: History) -> None:
    limits = attrs.evolve(LIMITS, job_deadline_s=1.0)
    with FaultyRack(1) as rack:
        rack.boards[0].becomes(Mute)  # the session alone would wait eight seconds
        result = run_on(rack, candidate, history, 1, limits=limits)
    (outcome,) = result.outcomes
    assert outcome.fault is not None
    assert (outcome.fault.kind, outcome.owner) == (FaultKind.TOO_SLOW, Owner.BOARD)
    assert outcome.took_s < 4.0
    assert len(outcome.attempts) == 1
