"""What people see of a run: a live table, and the outcomes by whom they concern."""

from __future__ import annotations

import io
from datetime import UTC, datetime

import attrs
from rich.console import Console

from hil.cli.run_text import result_text
from hil.cli.run_view import _LiveTable
from hil.run import Attempt, Candidate, Fault, FaultKind, Job, Outcome, RunResult, Status
from tests.host.evidence.test_history import RECORD

_AT = datetime(2026, 11, 21, tzinfo=UTC)
_RESET = Fault(kind=FaultKind.RESET, text="the board reset in mid-run", hint="check its supply")
_GONE = Fault(kind=FaultKind.GONE, text="no port", hint="check the cable")
_BIG = Fault(kind=FaultKind.DOES_NOT_FIT, text="needs 2 bytes, has 1")


def _job(name: str, board: str, session: int = 1) -> Job:
    candidate = Candidate(name=name, sha256=name.ljust(64, "0"), precision="int8", path=None)
    return Job(run="run-1", candidate=candidate, board=board, session=session)


def _outcome(job: Job, status: Status, **fields: object) -> Outcome:
    return Outcome(job=job, status=status, at=_AT, **fields)  # type: ignore[arg-type]


_RETRIED = _outcome(
    _job("a.tflite", "r/one"),
    Status.MEASURED,
    record=RECORD,
    attempts=(Attempt(number=1, fault=_RESET, took_s=1.0, power="cycled"),),
)
_LOST = _outcome(_job("a.tflite", "r/two"), Status.FAILED, fault=_GONE)
_UNFIT = _outcome(_job("b.tflite", "r/one"), Status.UNFIT, fault=_BIG)
_NOT_RUN = _outcome(_job("b.tflite", "r/two"), Status.NOT_RUN, reason="in quarantine: no port")
_ALL = (_RETRIED, _LOST, _UNFIT, _NOT_RUN)


def test_outcomes_are_told_by_whom_they_concern() -> None:
    text = result_text(RunResult("run-1", _ALL))
    first, *sections = text.split("\n\n")
    assert first == "Run run-1: 4 jobs: 1 measured, 1 unfit, 1 failed, 1 not-run"
    told = dict(section.rstrip("\n").split(":\n", 1) for section in sections)
    assert "0.1 ms (RP2040 @ 133 MHz, emulated, cycle" in told["Measured"]
    assert told["Faults of the link"] == "  a.tflite (int8) on r/two: failed: link: gone: no port"
    # A try that failed is told although the next one succeeded.
    assert told["Measured after failed tries"].endswith(
        "try 1 failed: board: reset: the board reset in mid-run; power cycled"
    )
    assert "needs 2 bytes, has 1" in told["Does not run there"]
    assert "in quarantine: no port" in told["Not run"]
    assert "Faults of the model" not in told  # that it does not fit is no fault


def test_the_table_has_a_row_a_board_and_what_failed_above_it() -> None:
    said = io.StringIO()
    console = Console(file=said, width=90, height=12, force_terminal=True, color_system=None)
    table = _LiveTable(console)
    table.begun("run-1", [outcome.job for outcome in _ALL], 0)
    table.started(_RETRIED.job)
    table.stage(_RETRIED.job, "uploading")
    table.attempt_failed(_RETRIED.job, _RETRIED.attempts[0], True)
    table.settled(_LOST)
    table.quarantined("r/two", "3 jobs in a row failed")
    console.print(table)
    lines = said.getvalue().splitlines()
    assert any("try 1 failed: board: reset" in line for line in lines)
    assert any("r/two: quarantine: 3 jobs in a row failed" in line for line in lines)
    rows = {line.split()[0]: line for line in lines if line.strip().startswith("r/")}
    assert "0/2" in rows["r/one"]
    assert "a.tflite: uploading" in rows["r/one"]
    assert "1/2 1 failed" in rows["r/two"]
    assert "quarantine" in rows["r/two"]


def test_of_many_boards_those_at_work_are_shown() -> None:
    said = io.StringIO()
    console = Console(file=said, width=90, height=12, force_terminal=True, color_system=None)
    table = _LiveTable(console)
    jobs = [_job("a.tflite", f"r/board-{number:02}") for number in range(50)]
    table.begun("run-1", jobs, 0)
    table.started(jobs[42])
    console.print(table)
    text = said.getvalue()
    assert "r/board-42" in text
    assert "44 more boards" in text
    assert len(text.splitlines()) <= 12


def test_the_exit_code_is_the_gravest_outcomes() -> None:
    wrong = attrs.evolve(_RETRIED, status=Status.WRONG)
    for outcomes, code in (
        ((_RETRIED, _UNFIT), 0),
        ((_RETRIED, _LOST), 5),
        ((_LOST, wrong), 7),
        ((_NOT_RUN,), 5),
        ((), 0),
    ):
        assert RunResult("run-1", outcomes).exit_code == code
