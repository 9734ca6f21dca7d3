"""``host target`` with a farm: what is offered of the file, and what becomes of it."""

from __future__ import annotations

import json
import re
import signal
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest

import devices
from hil.farm import load_farm
from hil.run import Journal, all_boards, make_candidates, plan_jobs, run_jobs
from hil.run.places import FarmPlaces
from host.cli import main
from host.evidence import History
from host.farms import FarmPlace, find_farm_reader
from host.links.open import open_link
from host.session import Session
from host.targeting.bench import EvidenceBench
from host.targeting.catalog import devices_for
from host.targeting.latency import Method
from tests.host.targeting.test_vector import NINE
from tests.host.targeting.world import VECTOR
from tests.support.make import ROOT
from tests.support.rack import GatewayProcess

MLP = ROOT / "examples" / "digits_mlp.onnx"


@pytest.fixture
def history(tmp_path: Path) -> Iterator[History]:
    with History.open(str(tmp_path / "history.db")) as kept:
        yield kept


def write(folder: Path, text: str) -> Path:
    path = folder / "hil" / "farm.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(textwrap.dedent(text).lstrip())
    return path


QUARANTINED = """
    racks:
      - id: bench
        boards:
          - {id: emulated-pico, kind: emulator, emulator: pico, quarantine: drifts}
          - {id: away, kind: serial, device: uno, identity: {path: /dev/serial/by-path/none}}
          - {id: far, kind: mqtt, identity: {url: mqtt://broker/lab/uno-q-1}}
          - {id: desk, kind: process}
    """


def test_each_board_has_its_place_or_a_reason(tmp_path: Path, history: History) -> None:
    assert isinstance(find_farm_reader(), FarmPlaces)
    Journal(history).quarantine("bench/desk", "3 jobs lost in a row", "night-1")
    assert FarmPlaces().places(write(tmp_path, QUARANTINED), history) == [
        FarmPlace(
            name="bench/emulated-pico", device="pico", left_out="it is in quarantine: drifts"
        ),
        FarmPlace(
            name="bench/away",
            device="uno",
            left_out="nothing is plugged in at /dev/serial/by-path/none",
        ),
        FarmPlace(name="bench/far", device=None, port="mqtt://broker/lab/uno-q-1"),
        FarmPlace(
            name="bench/desk", device=None, left_out="it is in quarantine: 3 jobs lost in a row"
        ),
    ]


def test_a_nights_results_are_measured_cells(
    history: History, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    farm = load_farm(write(tmp_path, QUARANTINED.replace(", quarantine: drifts", "")))
    boards = {name: board for name, board in all_boards(farm).items() if board.emulator}
    (candidate,) = candidates = make_candidates([MLP])
    (outcome,) = run_jobs(plan_jobs(candidates, boards), boards, history).outcomes
    assert outcome.record is not None
    # The float model that `host target` is given has the same candidate.
    profiles = devices.load_all()
    vector = attrs.evolve(VECTOR, details={"candidates": {"int8": candidate.sha256}})
    monkeypatch.setattr("host.targeting.bench.emulated_boards", list)
    pico = next(d for d in devices_for(profiles) if d.id == "pico").sites[0]
    assert candidate.path is not None
    bench = EvidenceBench(vector, {"int8": candidate.path}, profiles, history=history)
    trial = bench.try_out(pico, "int8")
    assert trial.record == outcome.record
    assert trial.figure is not None
    assert trial.figure.method == Method.MEASURED
    assert (trial.unmeasured or "").startswith("not measured now: from the history, ")


Target = Callable[..., tuple[int, str, str]]


@pytest.fixture
def target(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Target]:
    """``host target`` in a folder of its own; returns its exit code, output and notes."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NO_COLOR", "1")
    kept = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}

    def run(*arguments: object) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main(["target", *map(str, arguments), "--history", str(tmp_path / "history.db")])
        written = capsys.readouterr()
        assert isinstance(ended.value.code, int)
        return ended.value.code, written.out, written.err

    yield run
    for number, handler in kept.items():
        signal.signal(number, handler)


def test_the_farm_of_the_current_folder_is_used_unless_told(target: Target, tmp_path: Path) -> None:
    profile = tmp_path / "profile.json"
    profile.write_text(json.dumps(NINE))
    code, text, notes = target("--profile", profile)
    assert (code, "left out" in notes) == (0, False)  # there is no farm
    write(tmp_path, QUARANTINED.replace("          - {id: far", "          # - {id: far"))
    code, with_farm, notes = target("--profile", profile)
    assert (code, with_farm) == (0, text)
    assert "note: bench/emulated-pico is left out: it is in quarantine: drifts\n" in notes
    assert "note: bench/away is left out: nothing is plugged in at " in notes
    code, without, notes = target("--profile", profile, "--no-farm")
    assert (code, without, "left out" in notes) == (0, text, False)


def test_a_farm_file_that_is_wrong_is_told_before_anything_is_done(
    target: Target, tmp_path: Path
) -> None:
    path = write(tmp_path, "racks:\n  - id: bench\n    bords: []\n")
    code, _, notes = target(MLP, "--farm", path)
    assert code == 2
    assert f"error: {path}:3:5: racks[0].bords: unknown field (did you mean 'boards'?" in notes
    assert "running the float model" not in notes
    code, _, notes = target(MLP, "--farm", path, "--no-farm")
    assert (code, "contradict each other" in notes) == (2, True)


def test_a_board_that_somebody_holds_gives_way_to_emulation(target: Target, tmp_path: Path) -> None:
    boards = [{"id": "a", "kind": "emulator", "emulator": "pico", "flash_model": "zero-wait"}]
    folder = tmp_path / "rack"
    folder.mkdir()
    with GatewayProcess(folder, boards, None) as rack:
        rack.await_boards("a")
        write(
            tmp_path,
            f"""
            racks:
              - id: far
                boards:
                  - {{id: pico-1, kind: mqtt, device: pico, identity: {{url: {rack.port("a")}}}}}
            """,
        )
        arguments = (MLP, "--calibration-data", ROOT / "examples" / "calibration", "--json")
        with Session(open_link(rack.port("a"))) as other:
            other.connect()
            with other.lease():
                code, text, _ = target(*arguments)
        assert code == 0
        busy = _pico(text)
        assert busy["measurement"]["link"]["transport"] == "emulator"
        (check,) = [c for c in busy["checks"] if c["name"] == "measurement"]
        assert re.match(r"not measured on far/pico-1: the board is in use by .+@", check["text"])
        code, text, _ = target(*arguments)
        assert _pico(text)["measurement"]["link"]["transport"] == "mqtt"


def _pico(text: str) -> dict[str, Any]:
    declared = json.loads(text)
    pico = next(device for device in declared["devices"] if device["id"] == "pico")
    found: dict[str, Any] = pico["sites"][0]
    return found
