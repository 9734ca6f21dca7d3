"""Framing, messages, generator and plans of the MicroPython agent against the golden vectors."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from protocol.golden import GOLDEN_DIRECTORY
from tests.support.micropython_agent import AGENT

FOLDER = Path(__file__).parent
SCRIPT = FOLDER / "check_golden.py"
ON_CPYTHON = """
import runpy, sys
script, data, agent = sys.argv[1:]
sys.dont_write_bytecode = True
sys.path[:0] = [agent]
runpy.run_path(script, {"DATA": data})
"""


@pytest.fixture
def vectors(tmp_path: Path) -> Path:
    """All golden vectors in one file."""
    merged = {path.stem: json.loads(path.read_text()) for path in GOLDEN_DIRECTORY.glob("*.json")}
    path = tmp_path / "golden.json"
    path.write_text(json.dumps(merged))
    return path


@pytest.mark.parametrize(
    "command",
    [
        pytest.param([sys.executable, "-c", ON_CPYTHON], id="cpython"),
        pytest.param(["node", str(FOLDER / "run_script.mjs")], id="micropython"),
    ],
)
def test_golden_vectors(vectors: Path, command: list[str]) -> None:
    done = subprocess.run(
        [*command, str(SCRIPT), str(vectors), *([str(AGENT)] if "-c" in command else [])],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    word, count = done.stdout.split()
    assert word == "compared"
    assert int(count) > 150
