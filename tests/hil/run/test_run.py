"""What a run consists of, in which order it is done, and what it refuses."""

from __future__ import annotations

import json
import shutil
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import attrs
import pytest

from hil.farm import BoardKind, Farm, FarmBoard, Rack
from hil.run import (
    Attempt,
    Candidate,
    Fault,
    FaultKind,
    Job,
    Journal,
    Limits,
    Outcome,
    Owner,
    Precision,
    Settings,
    Status,
    choose_boards,
    find_models,
    make_candidates,
    plan_jobs,
    run_jobs,
)
from hil.run.journal import CellPast
from hil.run.need import by_need
from hil.run.slots import Slots
from host.cli import main
from host.errors import ConfigError, ExitCode
from host.evidence import History
from tests.support.make import ROOT
from tests.support.pc_agent import build_pc_agent

_EXAMPLES = ROOT / "examples"
_MODEL = _EXAMPLES / "digits_mlp_int8.tflite"
_QUICK = Settings(iterations=1, warmup=0)


def _candidate(name: str = "a.tflite", size_bytes: int = 0) -> Candidate:
    return Candidate(
        name=name, sha256=name.ljust(64, "0"), precision="int8", path=None, size_bytes=size_bytes
    )


def _job(name: str, session: int = 1, board: str = "rack/a", size_bytes: int = 0) -> Job:
    return Job(run="run", candidate=_candidate(name, size_bytes), board=board, session=session)


# ------------------------------------------------------------------- jobs


def test_the_same_work_in_the_same_run_has_the_same_id() -> None:
    job = _job("a")
    assert job.id == Job.from_dict(json.loads(json.dumps(job.to_dict()))).id
    others = [
        attrs.evolve(job, run="other"),
        attrs.evolve(job, session=2),
        attrs.evolve(job, board="rack/b"),
        attrs.evolve(job, candidate=_candidate("b")),
        attrs.evolve(job, settings=Settings(iterations=3)),
    ]
    assert len({each.id for each in [job, *others]}) == 6


def test_jobs_are_done_by_need() -> None:
    def at(day: int) -> datetime:
        return datetime(2026, 11, day, tzinfo=UTC)

    new, large, stale, fresh, second = (
        _job("new"),
        _job("large", size_bytes=9),
        _job("stale"),
        _job("fresh"),
        _job("new", session=2),
    )
    pasts = {stale.cell: CellPast(at(1), 1.0), fresh.cell: CellPast(at(2), 9.0)}
    assert by_need([fresh, second, stale, new, large], pasts) == [large, new, stale, fresh, second]
    # Of two that were measured at the same time, the one that takes longer.
    pasts[stale.cell] = CellPast(at(2), 1.0)
    assert by_need([stale, fresh], pasts) == [fresh, stale]


def test_a_deadline_follows_from_what_the_cell_took() -> None:
    limits = Limits(job_deadline_s=900.0)
    assert limits.deadline_s(None) == 900.0
    assert limits.deadline_s(CellPast(datetime.now(UTC), 20.0)) == 200.0
    assert limits.deadline_s(CellPast(datetime.now(UTC), 0.1)) == 60.0
    assert limits.deadline_s(CellPast(datetime.now(UTC), 600.0)) == 900.0


# ------------------------------------------------------------------- slots


def test_slots_go_to_who_has_most_to_do_and_nobody_is_passed_over() -> None:
    slots, stop, order = Slots(2), threading.Event(), []
    lock = threading.Lock()

    def work(name: str, needed: int, remaining_s: float) -> None:
        with slots.taken(needed, remaining_s, stop), lock:
            order.append(name)

    threads = []
    with slots.taken(2, 0.0, stop):
        for name, needed, remaining_s in (("small", 1, 1.0), ("all", 9, 5.0), ("large", 1, 9.0)):
            threads.append(threading.Thread(target=work, args=(name, needed, remaining_s)))
            threads[-1].start()
        deadline = time.monotonic() + 10
        while len(slots._waiting) < 3 and time.monotonic() < deadline:
            time.sleep(0.01)
    for thread in threads:
        thread.join(10)
    assert order == ["large", "all", "small"]


# ------------------------------------------------------------------- the plan of a run


_FARM = Farm(
    (
        Rack(
            "one",
            (
                FarmBoard(id="a", kind=BoardKind.PROCESS, tags=("fast", "x")),
                FarmBoard(id="b", kind=BoardKind.EMULATOR, emulator="pico", tags=("x",)),
            ),
        ),
        Rack("two", (FarmBoard(id="a", kind=BoardKind.TCP, device="uno_q", address="h:1"),)),
    )
)


@pytest.mark.parametrize(
    ("names", "tags", "expected"),
    [
        ((), (), ["one/a", "one/b", "two/a"]),
        (("a",), (), ["one/a", "two/a"]),
        (("one",), (), ["one/a", "one/b"]),
        (("two/a", "pico"), (), ["one/b", "two/a"]),
        (("uno_q",), (), ["two/a"]),
        ((), ("x",), ["one/a", "one/b"]),
        ((), ("x", "fast"), ["one/a"]),
    ],
)
def test_boards_are_chosen(
    names: tuple[str, ...], tags: tuple[str, ...], expected: list[str]
) -> None:
    assert list(choose_boards(_FARM, names, tags)) == expected


@pytest.mark.parametrize(("names", "tags"), [(("c",), ()), ((), ("slow",)), (("two",), ("fast",))])
def test_a_choice_of_no_board_is_refused(names: tuple[str, ...], tags: tuple[str, ...]) -> None:
    with pytest.raises(ConfigError):
        choose_boards(_FARM, names, tags)


def test_a_float_model_is_quantized_once_and_an_int8_one_is_taken_as_it_is(tmp_path: Path) -> None:
    for name in ("digits_mlp_float.tflite", "digits_mlp_int8.tflite"):
        shutil.copy(_EXAMPLES / name, tmp_path)
    shutil.copytree(_EXAMPLES / "calibration", tmp_path / "calibration")
    (tmp_path / "broken.onnx").write_bytes(b"no model")
    models = find_models([tmp_path])
    found = make_candidates(models, [Precision.INT8, Precision.INT4, Precision.FLOAT32])
    named = {(made.name, made.precision): made for made in found}
    assert set(named) == {
        ("broken.onnx", "int8"),
        ("broken.onnx", "int4"),
        ("broken.onnx", "float32"),
        ("digits_mlp_float_int8.tflite", "int8"),
        ("digits_mlp_float_int4.tflite", "int4"),
        ("digits_mlp_float.tflite", "float32"),
        ("digits_mlp_int8.tflite", "int8"),
    }
    assert all(made.refusal for (name, _), made in named.items() if name == "broken.onnx")
    assert named["digits_mlp_int8.tflite", "int8"].path == tmp_path / "digits_mlp_int8.tflite"
    made = named["digits_mlp_float_int8.tflite", "int8"].path
    assert made is not None
    assert made.is_file()


def test_two_models_of_one_name_are_told_apart(tmp_path: Path) -> None:
    for folder, name in (("left", "digits_mlp"), ("right", "digits_cnn")):
        (tmp_path / folder).mkdir()
        shutil.copy(_EXAMPLES / f"{name}_int8.tflite", tmp_path / folder / "m.tflite")
    found = make_candidates(find_models([tmp_path / "left", tmp_path / "right"]))
    assert [made.name for made in found] == ["m.tflite", "right_tflite_m.tflite"]
    assert found[1].path is not None
    assert found[1].path.read_bytes() == (tmp_path / "right" / "m.tflite").read_bytes()


# ------------------------------------------------------------------- runs


def test_what_cannot_be_done_has_an_outcome_too(history: History, tmp_path: Path) -> None:
    build_pc_agent()
    model = tmp_path / "changed_int8.tflite"
    shutil.copy(_MODEL, model)
    (tmp_path / "broken_int8.tflite").write_bytes(b"no model")
    candidates = make_candidates([model, _MODEL, tmp_path / "broken_int8.tflite"])
    model.write_bytes(b"another model")
    boards = {
        "rack/here": FarmBoard(id="here", kind=BoardKind.PROCESS),
        "rack/parked": FarmBoard(id="parked", kind=BoardKind.PROCESS, quarantine="smells"),
    }
    jobs = plan_jobs(candidates, [*boards, "rack/gone"], settings=_QUICK)
    result = run_jobs(jobs, boards, history)
    found = {(o.job.candidate.name, o.job.board): o for o in result.outcomes}
    assert len(found) == len(jobs) == 9
    for board in ("rack/here", "rack/parked", "rack/gone"):
        changed, broken = found["changed_int8.tflite", board], found["broken_int8.tflite", board]
        assert (changed.status, changed.owner) == (Status.FAILED, Owner.INFRASTRUCTURE)
        assert (broken.status, broken.owner) == (Status.FAILED, Owner.MODEL)
    assert found["digits_mlp_int8.tflite", "rack/here"].status == Status.MEASURED
    parked, gone = (
        found["digits_mlp_int8.tflite", f"rack/{board}"] for board in ("parked", "gone")
    )
    assert parked.status == gone.status == Status.NOT_RUN
    assert "smells" in (parked.reason or "")
    assert "no such board" in (gone.reason or "")
    assert run_jobs(jobs, boards, history) == result  # nothing is done again


def test_an_outcome_is_written_once_and_read_back_whole(history: History) -> None:
    journal, job = Journal(history), _job("a")
    journal.enlist([job])
    fault = Fault(kind=FaultKind.RESET, text="why", hint="what to do")
    attempt = Attempt(number=1, fault=fault, took_s=0.5)
    journal.attempted(job, attempt)
    switched = attrs.evolve(attempt, power="cycled")
    journal.attempted(job, switched)
    outcome = Outcome(
        job=job,
        status=Status.FAILED,
        at=datetime.now(UTC),
        took_s=1.5,
        fault=fault,
        attempts=(switched,),
    )
    assert journal.settle(outcome)
    assert not journal.settle(attrs.evolve(outcome, status=Status.NOT_RUN))
    assert journal.outcomes([job]) == [outcome]
    assert journal.jobs("run") == [job]
    assert journal.unfinished() == "run"
    journal.enlist([job])  # as a resumed run does
    assert journal.outcomes([job]) == [outcome]
    with pytest.raises(ConfigError, match="no run 'another'"):
        journal.jobs("another")


# ------------------------------------------------------------------- the command line


@pytest.fixture
def farm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    build_pc_agent()
    monkeypatch.setenv("JUMPSTATION_HISTORY", str(tmp_path / "history.sqlite"))
    board = {"id": "desk", "kind": "process"}
    path = tmp_path / "farm.yaml"
    path.write_text(json.dumps({"racks": [{"id": "rack", "boards": [board]}]}))  # JSON is YAML
    return path


def _host(*arguments: object) -> int:
    with pytest.raises(SystemExit) as ended:
        main([str(argument) for argument in arguments])
    return int(ended.value.code or 0)


def test_the_outcomes_are_printed(farm: Path, capfd: pytest.CaptureFixture[str]) -> None:
    options = ("--config", farm, "--iterations", 1, "--sessions", 2)
    assert _host("farm", "run", _MODEL, *options) == ExitCode.DONE
    out, err = capfd.readouterr()
    assert "2 jobs: 2 measured" in out
    assert "over 2 sessions (host processor, hardware), exact" in out
    assert "[2/2] digits_mlp_int8.tflite (int8, session 2) on rack/desk: measured" in err


def test_the_outcomes_are_printed_as_json(farm: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (farm.parent / "broken_int8.tflite").write_bytes(b"no model")
    models = (_MODEL, "--models", farm.parent / "broken_int8.tflite")
    code = _host("farm", "run", *models, "--config", farm, "--iterations", 1, "--json")
    result = json.loads(capfd.readouterr().out)
    assert code == result["exit_code"] == ExitCode.MODEL
    assert result["counts"] == {"measured": 1, "failed": 1}
    measured, failed = result["jobs"]
    assert measured["measurement"]["schema"] == "measurement/1"
    assert failed["fault"]["owner"] == "model"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--resume", _MODEL), "name no models"),
        (("--resume", "--boards", "desk"), "name no models"),
        (("--resume",), "nothing to resume"),
        (("--run", "x", _MODEL), "give --resume too"),
        (("--resume", "--run", "x"), "no run 'x'"),
        (("--boards", "x", _MODEL), "no board 'x'"),
        (("nowhere.tflite",), "no such file or folder"),
    ],
)
def test_wrong_usage_says_what_to_do(
    farm: Path, capfd: pytest.CaptureFixture[str], arguments: tuple[object, ...], says: str
) -> None:
    assert _host("farm", "run", "--config", farm, *arguments) == ExitCode.CONFIG
    assert says in capfd.readouterr().err


def test_quarantine_is_shown_and_lifted(farm: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with History.open() as history:
        Journal(history).quarantine("rack/desk", "3 jobs in a row failed", "run-1")
    assert _host("farm", "run", _MODEL, "--config", farm) == ExitCode.BOARD_OR_LINK
    assert "3 jobs in a row failed" in capfd.readouterr().out
    assert _host("farm", "quarantine", "--json") == ExitCode.DONE
    (entry,) = json.loads(capfd.readouterr().out)
    assert (entry["board"], entry["run"]) == ("rack/desk", "run-1")
    assert _host("farm", "quarantine", "--release", "rack/desk") == ExitCode.DONE
    assert "no board is in quarantine" in capfd.readouterr().out
    assert _host("farm", "quarantine", "--release", "rack/desk") == ExitCode.CONFIG
