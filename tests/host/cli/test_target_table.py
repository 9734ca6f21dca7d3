"""The live table of ``host target``, as a terminal of a given width gets it."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import struct
import subprocess
from pathlib import Path

import pytest
from rich.cells import cell_len

from tests.host.cli.conftest import ENVIRONMENT, command
from tests.host.targeting.test_vector import NINE
from tests.support.pc_agent import ROOT

fcntl = pytest.importorskip("fcntl")
termios = pytest.importorskip("termios")

CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
COLOUR = re.compile(r"\x1b\[(?:[0-9]+;)*(?:3[0-7]|9[0-7]|38;[0-9;]+)m")


def on_a_terminal(columns: int, *arguments: object, **variables: str) -> str:
    """What ``host ARGUMENTS`` writes to stderr, which is a terminal."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    environment = {k: v for k, v in ENVIRONMENT.items() if k not in ("NO_COLOR", "COLUMNS")}
    process = subprocess.Popen(
        command(*arguments),
        cwd=ROOT,
        env={**environment, "TERM": "xterm-256color", "LANG": "C.UTF-8", **variables},
        stdout=subprocess.DEVNULL,
        stderr=theirs,
    )
    os.close(theirs)
    written = b""
    while select.select([ours], [], [], 60)[0]:
        try:
            data = os.read(ours, 65536)
        except OSError:  # the other end is closed
            break
        if not data:
            break
        written += data
    os.close(ours)
    assert process.wait(10) == 0
    return written.decode()


@pytest.fixture
def nine(tmp_path: Path) -> Path:
    path = tmp_path / "profile.json"
    path.write_text(json.dumps(NINE))
    return path


def last_table(written: str) -> list[str]:
    lines = CONTROL.sub("", written).replace("\r", "").splitlines()
    start = max(number for number, line in enumerate(lines) if line.strip().startswith("board"))
    return lines[start:]


@pytest.mark.parametrize("columns", [120, 80, 50])
def test_the_table_fits_its_terminal(nine: Path, columns: int) -> None:
    written = on_a_terminal(columns, "target", "--profile", nine, "--no-history")
    table = last_table(written)
    assert all(cell_len(line) <= columns for line in table)
    heads = table[0].split()
    if columns >= 80:
        checks = ["RAM", "storage", "backend", "quant.", "latency", "UI"]
        assert heads == ["board", *checks, "result"]
    else:
        assert heads == ["board", "latency", "result"]
    pico = next(line for line in table if line.lstrip().startswith("pico"))
    assert "passes int8" in pico
    uno = next(line for line in table if line.lstrip().startswith("uno "))
    assert "fails" in uno
    assert ("✗" in uno) == (columns >= 80)
    assert COLOUR.search(written)


def test_no_colour_where_none_is_wanted(nine: Path) -> None:
    written = on_a_terminal(80, "target", "--profile", nine, "--no-history", NO_COLOR="1")
    assert not COLOUR.search(written)
    assert "✓" in written


def test_lines_on_a_dumb_terminal(nine: Path) -> None:
    written = on_a_terminal(80, "target", "--profile", nine, "--no-history", TERM="dumb")
    assert "\x1b" not in written
    assert re.search(r"^  pico +passes +int8; Estimated latency: ~", written, re.MULTILINE)
