"""The reports for a terminal, for CI and for programs."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import attrs
import pytest

from hil.nightly import NightVerdict
from hil.report import write_reports
from hil.report.trends import key_of, trends
from hil.run import Candidate, Fault, FaultKind, Job, Outcome
from hil.run import Status as JobStatus
from host.errors import ConfigError
from host.evidence import LatencyPoint


@pytest.fixture(scope="module")
def folder(
    night: NightVerdict, points: list[LatencyPoint], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    folder = tmp_path_factory.mktemp("reports") / "new" / "folder"
    write_reports(night, points, folder)
    return folder


def test_the_text_says_what_section_6_asks_for(folder: Path) -> None:
    text = (folder / "report.txt").read_text()
    assert text.startswith("Nightly: REGRESSION: 1 of 7 cells, 1 flagged, 1 missing, 1 new\n")
    for line in (
        "Build | Model | Runtime",
        "  pico 1234567 | digits.tflite abababababab | jump_rt 0.1.0",
        "Input-digest mismatches   0",
        "Tolerance violations      1",
        "Decision mismatches       not checked (no golden set was replayed)",
        "       why     firmware build changed: b9e226c -> 1234567",
        "       why     op 0 CONV_2D: 60,000 -> 62,992 cycles (+5.0 %) slower",
        "       triage  input digest: the same",
    ):
        assert line in text.splitlines()


def test_every_latency_in_the_text_says_where_it_comes_from(folder: Path) -> None:
    lines = (folder / "report.txt").read_text().split("\nTiming")[1].split("\n\n")[0].splitlines()
    assert len(lines) == 1 + 6, "a missing cell has none"
    for line in lines[1:]:
        assert ", hardware)" in line or ", emulated, " in line


def test_ci_gets_one_failure_and_skips_what_was_not_judged(folder: Path) -> None:
    root = ElementTree.parse(folder / "junit.xml").getroot()
    assert (root.get("tests"), root.get("failures"), root.get("skipped")) == ("7", "1", "3")
    (failure,) = root.iter("failure")
    assert "op 0 CONV_2D" in (failure.text or "")
    names = [case.get("name") for case in root.iter("testcase")]
    assert len(set(names)) == 7, "CI servers take equal names for one test"
    proxy = next(case for case in root.iter("testcase") if "esp32" in (case.get("name") or ""))
    assert proxy.get("time") == "0.000000", "a core without a time model takes no time"


def test_programs_get_all_of_it(folder: Path, night: NightVerdict) -> None:
    values = json.loads((folder / "report.json").read_text())
    assert (values["schema"], values["verdict"], values["exit_code"]) == (
        "nightly/1",
        "regression",
        8,
    )
    assert values["counts"]["regression"] == 1
    assert len(values["cells"]) == len(night.cells)


def test_points_of_the_history_meet_their_cells(
    night: NightVerdict, points: list[LatencyPoint]
) -> None:
    assert {key_of(point) for point in points} == {cell.key for cell in night.cells}
    assert {len(nights) for nights in trends(points).values()} == {20}


def test_a_folder_that_cannot_be_made_is_refused(night: NightVerdict, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="cannot be made"):
        write_reports(night, [], tmp_path / "file" / "below")


def test_what_was_not_measured_is_said_with_its_owner(night: NightVerdict, tmp_path: Path) -> None:
    candidate = Candidate(name="m.tflite", sha256="00", precision="int8", path=None)
    job = Job(run="1", candidate=candidate, board="bench/pico-1")
    fault = Fault(kind=FaultKind.GONE, text="nothing is plugged in")
    lost = Outcome(job=job, status=JobStatus.FAILED, at=night.ended, fault=fault)
    parked = Outcome(job=job, status=JobStatus.NOT_RUN, at=night.ended, reason="in quarantine")
    fine = Outcome(job=job, status=JobStatus.UNFIT, at=night.ended, fault=fault)
    text = write_reports(attrs.evolve(night, outcomes=(lost, parked, fine)), [], tmp_path)
    wanted = [
        "m.tflite (int8) on bench/pico-1: link: gone: nothing is plugged in",
        "m.tflite (int8) on bench/pico-1: not run: in quarantine",
    ]
    assert text.split("Not measured\n")[1].split("\n\n")[0].splitlines() == [
        f"  {line}" for line in wanted
    ]
    assert len(json.loads((tmp_path / "report.json").read_text())["lost_jobs"]) == 2
    assert "link: gone: nothing is plugged in" in (tmp_path / "report.html").read_text()
