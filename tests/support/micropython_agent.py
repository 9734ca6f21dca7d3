"""The MicroPython agent as a process: on CPython, and on MicroPython's WebAssembly port."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator

from tests.support.make import ROOT

AGENT = ROOT / "agent" / "micropython"
_PROGRAMS = ROOT / "hil" / "emulators" / "micropython"
INTERPRETERS = {
    "cpython": [sys.executable, str(_PROGRAMS / "cpython.py")],
    "micropython": ["node", str(_PROGRAMS / "main.mjs")],
}
_READY = "READY "


@contextlib.contextmanager
def running_micropython_agent(interpreter: str, *options: str) -> Iterator[int]:
    """Starts an agent on one of INTERPRETERS; yields its TCP port on 127.0.0.1."""
    process = subprocess.Popen(
        [*INTERPRETERS[interpreter], *options],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        assert line.startswith(_READY), f"the agent said {line!r}"
        yield int(line[len(_READY) :])
    finally:
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()
