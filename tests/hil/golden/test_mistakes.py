"""MicroPython agents with one mistake each: the triage must stop where the mistake is."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from hil.golden import ReplayResult, replay
from host.errors import ExitCode
from host.measurement.observer import Silent
from host.measurement.request import MeasureRequest
from tests.hil.golden.conftest import SAMPLES, Kept
from tests.support.micropython_agent import AGENT, running_micropython_agent

WRONG_RUN = 7
"""Of a board that is wrong once."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the agent, to make mistakes in."""
    copy = tmp_path / "agent"
    shutil.copytree(AGENT, copy, ignore=shutil.ignore_patterns("__pycache__"))
    return copy


def replay_with(folder: Path, small: Kept, file: str, good: str, bad: str) -> ReplayResult:
    path = folder / file
    text = path.read_text()
    assert text.count(good) == 1, "the mistake is out of date"
    path.write_text(text.replace(good, bad))
    with running_micropython_agent("cpython", "--agent", str(folder)) as port:
        request = MeasureRequest(model=small.model, port=f"tcp://127.0.0.1:{port}")
        result = replay(small.golden, request, Silent())
    assert result.exit_code == ExitCode.MISMATCH
    return result


def test_a_kernel_that_does_not_round(small: Kept, folder: Path) -> None:
    result = replay_with(
        folder, small, "kernels/pool.py", "-((count // 2 - total) // count)", "-(-total // count)"
    )
    assert result.triage is not None
    op = result.triage.op
    assert op is not None
    assert (op.index, op.kind, op.cause) == (1, "AVERAGE_POOL_2D", "operator")
    assert op.different > 1
    assert abs(op.found - op.expected) == 1, "a rounding"


def test_a_board_that_runs_another_input(small: Kept, folder: Path) -> None:
    here = "        if iteration == 0:\n            input_crc32 ="
    lose_a_bit = "        engine.input(0)[0] &= 0xFE\n"
    result = replay_with(folder, small, "run.py", here, lose_a_bit + here)
    changed = np.flatnonzero(small.golden.inputs[0].reshape(SAMPLES, -1)[:, 0] & 1)
    assert 0 < len(changed) < SAMPLES
    assert result.input_mismatches == len(changed)
    assert result.failures[0].sample == changed[0]
    assert result.failures[0].what[0] == "input"
    assert result.triage is not None
    (line,) = result.triage.lines
    assert line.startswith("input digest: differs again")


def test_a_board_that_is_wrong_once(small: Kept, folder: Path) -> None:
    here = "        crc = _crc32_of(engine.output, header.output_count)\n"
    flicker = (
        "        agent.runs = getattr(agent, 'runs', -1) + 1\n"
        f"        engine.output(0)[0] ^= 0x40 if agent.runs == {WRONG_RUN} else 0\n"
    )
    result = replay_with(folder, small, "run.py", here, flicker + here)
    assert [failure.sample for failure in result.failures] == [WRONG_RUN]
    assert result.output_mismatches == 1
    assert result.triage is not None
    assert result.triage.op is None
    assert "the board is not deterministic" in result.triage.lines[-1]
