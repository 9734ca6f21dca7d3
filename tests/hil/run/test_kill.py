"""A run is killed without a word, at any moment, and resumed: nothing is lost, nothing twice."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from hil.run import Journal, Status
from host.errors import ExitCode
from host.evidence import History, Query
from host.links.tcp import TcpLink
from host.session import Session
from tests.support.make import ROOT
from tests.support.pc_agent import build_pc_agent, running_agent

_EXAMPLES = [ROOT / "examples" / f"digits_{name}_int8.tflite" for name in ("mlp", "cnn")]
_SETTLED = re.compile(r"^\[\d+/\d+\] (.*?): measured", re.MULTILINE)
_BEGUN = re.compile(r"^run (\S+): \d+ jobs", re.MULTILINE)
_PATIENCE_S = 60.0


@pytest.fixture
def farm(tmp_path: Path) -> Path:
    """Two boards that are processes: killing the run must end them too."""
    build_pc_agent()
    boards = [{"id": name, "kind": "process"} for name in ("left", "right")]
    path = tmp_path / "farm.yaml"
    path.write_text(json.dumps({"racks": [{"id": "rack", "boards": boards}]}))  # JSON is YAML
    return path


def _start(farm: Path, *arguments: str, code: str | None = None) -> subprocess.Popen[str]:
    """The command line as a process of its own; ``code`` is run before it."""
    command = [sys.executable, "-c", f"{code or ''}\nfrom host.cli import main\nmain()"]
    return subprocess.Popen(
        [*command, "farm", "run", "--config", str(farm), *arguments],
        cwd=ROOT,
        env={**os.environ, "JUMPSTATION_HISTORY": str(farm.parent / "history.sqlite")},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _await(process: subprocess.Popen[str], line_of: re.Pattern[str], count: int = 1) -> str:
    """What it wrote on stderr up to and with so many such lines."""
    assert process.stderr is not None
    said = ""
    while len(line_of.findall(said)) < count:
        line = process.stderr.readline()
        assert line, said
        said += line
    return said


def _work(sessions: int) -> Sequence[str]:
    measured = ["--iterations", "1", "--warmup", "0", "--sessions", str(sessions)]
    return [*map(str, _EXAMPLES), *measured]


def _reported(said: str) -> list[str]:
    """The jobs that whole lines speak of: of a last one that was cut off nobody knows."""
    whole = said[: said.rfind("\n") + 1]
    return _SETTLED.findall(whole)


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_killed_ten_times_and_resumed(farm: Path) -> None:
    moments = random.Random(20_261_121)
    sessions, said, killed = 25, "", 0
    arguments: Sequence[str] = _work(sessions)
    while killed < 10:
        process = _start(farm, *arguments)
        leg = _await(process, _BEGUN)
        # By jobs and a fraction of one, so that machines of any speed are hit everywhere.
        leg += _await(process, _SETTLED, moments.randrange(9))
        time.sleep(moments.uniform(0.0, 0.06))
        process.kill()
        leg += process.communicate(timeout=_PATIENCE_S)[1]
        assert process.returncode == -signal.SIGKILL, f"it ended before it was killed:\n{leg}"
        said, killed, arguments = said + leg[: leg.rfind("\n") + 1], killed + 1, ["--resume"]
    process = _start(farm, "--resume", "--json")
    out, leg = process.communicate(timeout=2 * _PATIENCE_S)
    assert process.returncode == ExitCode.DONE, leg
    said += leg

    total = len(_EXAMPLES) * 2 * sessions
    result = json.loads(out)
    assert len({job["id"] for job in result["jobs"]}) == len(result["jobs"]) == total
    assert {job["status"] for job in result["jobs"]} == {str(Status.MEASURED)}
    reported = Counter(_reported(said))
    assert max(reported.values()) == 1  # no job twice, in any of the eleven processes
    assert len(reported) >= total - 10  # a kill between writing it down and saying so hides one
    with History.open(str(farm.parent / "history.sqlite")) as history:
        assert len(history.find(Query())) == total
        with pytest.raises(Exception, match="nothing to resume"):
            Journal(history).unfinished()
    assert len(set(_BEGUN.findall(said))) == 1


_KILL_BETWEEN = """
import os, signal
from hil.run.journal import Journal
settle, calls = Journal.settle, []
def killed(journal, outcome):
    calls.append(outcome)
    if len(calls) == 3:
        {before}
        os.kill(os.getpid(), signal.SIGKILL)
    return settle(journal, outcome)
Journal.settle = killed
"""


@pytest.mark.parametrize("before", ["pass", "settle(journal, outcome)"])
def test_killed_between_the_history_and_the_journal(farm: Path, before: str) -> None:
    process = _start(farm, *_work(2), code=_KILL_BETWEEN.format(before=before))
    _, said = process.communicate(timeout=_PATIENCE_S)
    assert process.returncode == -signal.SIGKILL
    assert len(_reported(said)) == 2
    with History.open(str(farm.parent / "history.sqlite")) as history:
        assert len(history.find(Query())) == 3  # one of which the run has told nobody
        kept = {record.at for record in history.find(Query())}

        process = _start(farm, "--resume", "--json")
        out, again = process.communicate(timeout=_PATIENCE_S)
        assert process.returncode == ExitCode.DONE, again
        records = history.find(Query())
        assert len(records) == 8
        assert kept <= {record.at for record in records}
    assert not set(_reported(said)) & set(_reported(again))
    jobs = json.loads(out)["jobs"]
    assert sorted(job["measurement"]["at"] for job in jobs) == sorted(
        record.to_dict()["at"] for record in records
    )


_KILL_IN_RUN = """
import os, signal
from host.measurement import measure
measure.run_series = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_board_that_a_killed_run_held_is_taken_up_again(tmp_path: Path) -> None:
    with running_agent() as port:
        board = {"id": "b", "kind": "tcp", "identity": {"address": f"127.0.0.1:{port}"}}
        farm = tmp_path / "farm.yaml"
        farm.write_text(json.dumps({"racks": [{"id": "rack", "boards": [board]}]}))
        process = _start(farm, *_work(2), code=_KILL_IN_RUN)
        process.communicate(timeout=_PATIENCE_S)
        assert process.returncode == -signal.SIGKILL
        with Session(TcpLink("127.0.0.1", int(port))) as session:
            session.connect()
            assert session.lease_seen is not None  # others would have to wait
        process = _start(farm, "--resume", "--busy-wait-s", "0", "--json")
        out, said = process.communicate(timeout=_PATIENCE_S)
    assert process.returncode == ExitCode.DONE, said
    jobs = json.loads(out)["jobs"]
    assert [(job["status"], job["attempts"]) for job in jobs] == [("measured", [])] * 4


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_called_off_it_leaves_nothing_behind(farm: Path, number: signal.Signals) -> None:
    process = _start(farm, *_work(500))
    _await(process, _SETTLED)
    children = _children(process.pid)
    started = time.monotonic()
    process.send_signal(number)
    _, said = process.communicate(timeout=_PATIENCE_S)
    assert time.monotonic() - started < 10
    assert process.returncode in (128 + number, -number), said
    assert "--resume" in said
    assert "Traceback" not in said
    assert not [pid for pid in children if Path(f"/proc/{pid}").exists()]
    with History.open(str(farm.parent / "history.sqlite")) as history:
        journal = Journal(history)
        jobs = journal.jobs(journal.unfinished())
        outcomes = journal.outcomes(jobs)
        assert 0 < len(outcomes) < len(jobs) == 2000
        assert len(outcomes) == len(history.find(Query()))


_CALLED_OFF_IN_A_WORKER = """
import signal, threading
from hil.run.journal import Journal
settle = Journal.settle
def called_off(journal, outcome):
    signal.pthread_kill(threading.get_ident(), signal.SIGTERM)
    return settle(journal, outcome)
Journal.settle = called_off
"""


def test_called_off_though_the_signal_wakes_another_thread(farm: Path) -> None:
    # The system may give it to any thread; the one that handles it sleeps on.
    process = _start(farm, *_work(500), code=_CALLED_OFF_IN_A_WORKER)
    _, said = process.communicate(timeout=_PATIENCE_S)
    assert process.returncode == 128 + signal.SIGTERM, said
    assert "--resume" in said
    assert len(_reported(said)) < 100


def _children(pid: int) -> list[int]:
    """Processes that ``pid`` started and that run now."""
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        found += [int(child) for child in (task / "children").read_text().split()]
    return found
