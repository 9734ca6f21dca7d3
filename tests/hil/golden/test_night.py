"""Golden sets in a night: on all boards of a farm at once, in every report, and in its verdict."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import attrs
import pytest

from hil.farm import BoardKind, FarmBoard
from hil.golden import make_golden, night
from hil.golden.night import SetWithModel, find_sets, replay_on_boards
from hil.nightly import accept, compare
from hil.report import write_reports
from hil.report.text import as_text
from hil.run.faults import FaultKind, Owner
from host.errors import ConfigError, ExitCode
from host.links.interruptible import Interrupted
from tests.hil.golden.conftest import AgentWith, Kept
from tests.host.cli.conftest import HostCommand, host_here
from tests.support.calling_off import CalledOff, calling_off
from tests.support.make import ROOT
from tests.support.nights import EMULATED, at_night
from tests.support.pc_agent import build_pc_agent

__all__ = ["host_here"]


def tcp_board(name: str, port: str) -> FarmBoard:
    return FarmBoard(id=name, kind=BoardKind.TCP, device="pc", address=port.removeprefix("tcp://"))


def test_each_board_of_a_farm_has_its_own_end(
    small: Kept, agent_with: AgentWith, tmp_path: Path
) -> None:
    build_pc_agent()
    (one,) = find_sets(small.folder.parent)
    with agent_with("FLIP") as port:
        boards = {
            "rack/right": FarmBoard(id="right", kind=BoardKind.PROCESS, device="pc"),
            "rack/wrong": tcp_board("wrong", port),
            "rack/gone": FarmBoard(id="gone", kind=BoardKind.SERIAL, path=f"{tmp_path}/ttyX"),
            "rack/ill": FarmBoard(
                id="ill", kind=BoardKind.PROCESS, device="pc", quarantine="flickers"
            ),
        }
        replays = replay_on_boards((one,), boards, keep=tmp_path / "kept")
    right, wrong, gone = replays
    assert [replay.board for replay in replays] == ["rack/right", "rack/wrong", "rack/gone"]
    assert right.result is not None
    assert right.result.passed
    assert wrong.is_wrong
    assert list((tmp_path / "kept" / "rack-wrong").glob("*-op-1.npz"))
    assert gone.is_lost
    assert gone.fault is not None
    assert (gone.fault.owner, gone.fault.kind) == (Owner.LINK, FaultKind.GONE)

    night = compare(accept("v1", "a test", [EMULATED]), [at_night(EMULATED, 1)])
    assert night.exit_code == ExitCode.DONE
    assert attrs.evolve(night, replays=(right,)).exit_code == ExitCode.DONE
    assert attrs.evolve(night, replays=(right, gone)).exit_code == ExitCode.BOARD_OR_LINK
    night = attrs.evolve(night, replays=replays)
    assert night.exit_code == ExitCode.REGRESSION

    text = write_reports(night, [], tmp_path / "reports")
    assert text.splitlines()[0].startswith("Nightly: REGRESSION: 0 of 1 cells, 1 of 3 golden")
    assert wrong.result is not None
    assert f"Golden output mismatches  {wrong.result.output_mismatches}\n" in text
    assert "rack/wrong: small on pc: MISMATCH" in text
    assert "triage  operator: AVERAGE_POOL_2D" in text
    assert "rack/gone: not replayed: link: gone: nothing is plugged in" in text
    reports = tmp_path / "reports"
    values = json.loads((reports / "report.json").read_text())
    assert values["verdict"] == "regression"
    assert [entry["verdict"] for entry in values["replays"]] == [
        "as the set has it",
        "mismatch",
        "lost",
    ]
    assert values["replays"][1]["result"]["triage"]["op"]["kind"] == "AVERAGE_POOL_2D"
    suites = ElementTree.parse(reports / "junit.xml").getroot()
    (suite,) = suites.findall("testsuite[@name='golden sets']")
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("3", "1", "1")
    page = (reports / "report.html").read_text()
    assert '<table id="golden">' in page
    assert "first divergent op is op 1 AVERAGE_POOL_2D" in page


def test_a_signal_that_wakes_another_thread_calls_a_night_off(
    small: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    with calling_off() as signal_me:
        told: list[bool] = []

        def replayed(*given: Any) -> None:
            signal_me()
            stop: threading.Event = given[-1]
            told.append(stop.wait(10))
            raise Interrupted

        monkeypatch.setattr(night, "_replay", replayed)
        board = FarmBoard(id="right", kind=BoardKind.PROCESS, device="pc")
        with pytest.raises(CalledOff):
            replay_on_boards(find_sets(small.folder.parent), {"rack/right": board})
    assert told == [True]


def test_a_board_that_is_too_small_is_nobodys_failure() -> None:
    model = ROOT / "examples" / "digits_cnn_int8.tflite"
    golden = make_golden(model, ROOT / "examples" / "test" / "images.npy", "cnn", samples=100)
    uno = FarmBoard(id="uno", kind=BoardKind.EMULATOR, emulator="uno")
    (replay,) = replay_on_boards((SetWithModel(golden, model),), {"rack/uno": uno})
    assert replay.is_unfit
    assert not replay.is_lost
    night = compare(accept("v1", "a test", [EMULATED]), [at_night(EMULATED, 1)])
    night = attrs.evolve(night, replays=(replay,))
    assert night.exit_code == ExitCode.DONE
    assert "rack/uno: does not run there: model: does-not-fit" in as_text(night)


def test_a_folder_without_sets_and_a_set_without_its_model_are_refused(
    small: Kept, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match="there is no golden set"):
        find_sets(tmp_path)
    (tmp_path / "sets").mkdir()
    (tmp_path / "sets" / "small.golden").symlink_to(small.folder)
    assert find_sets(tmp_path / "sets")[0].model == small.model
    lone = tmp_path / "lone" / "sets" / "small.golden"
    lone.mkdir(parents=True)
    for path in small.folder.iterdir():
        (lone / path.name).write_bytes(path.read_bytes())
    with pytest.raises(ConfigError, match=r"small\.tflite, the model of golden set small"):
        find_sets(lone.parent)


def test_the_nightly_replays_a_folder_and_ends_with_8(
    host_here: HostCommand, small: Kept, agent_with: AgentWith, tmp_path: Path
) -> None:
    farm = tmp_path / "farm.yaml"
    # Without an AVERAGE_POOL_2D, so that the fault does not show in what is measured.
    mlp = ROOT / "examples" / "digits_mlp_int8.tflite"
    nightly = ("farm", "nightly", mlp, "--baseline", "v1", "--accept", "a test", "--sessions", "1")
    nightly = (*nightly, "--history", tmp_path / "history.sqlite", "--output", tmp_path / "reports")
    with agent_with("FLIP") as port:
        address = port.removeprefix("tcp://")
        board = f"{{id: wrong, kind: tcp, device: pc, identity: {{address: '{address}'}}}}"
        farm.write_text(f"racks: [{{id: rack, boards: [{board}]}}]\n")
        without = host_here(*nightly, "--farm", farm)
        assert without.returncode == 0, without.stderr
        assert (
            "Decision mismatches       not checked (no golden set was replayed)" in without.stdout
        )
        done = host_here(*nightly, "--farm", farm, "--golden", small.folder.parent)
    assert done.returncode == 8, done.stderr
    assert "golden set small on rack/wrong: small on pc: MISMATCH" in done.stderr
    assert "golden replays wrong" in done.stdout.splitlines()[0]
