"""The command line as a process, as its users run it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

from host.cli import main
from tests.support.pc_agent import ROOT, running_agent

HostCommand = Callable[..., subprocess.CompletedProcess[str]]


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "host", *map(str, arguments)]


ENVIRONMENT = {**os.environ, "NO_COLOR": "1", "COLUMNS": "120"}


def start_until(said: str, *arguments: object) -> subprocess.Popen[str]:
    """Starts ``host ARGUMENTS`` and comes back when a line of its notes has ``said`` in it."""
    process = subprocess.Popen(
        command(*arguments),
        cwd=ROOT,
        env=ENVIRONMENT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    for line in process.stderr:
        if said in line:
            break
    return process


@pytest.fixture
def host() -> HostCommand:
    """Runs ``host ARGUMENTS``; whatever happens, no traceback may be seen."""

    def run(*arguments: object) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            command(*arguments),
            cwd=ROOT,
            env=ENVIRONMENT,
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
        assert "Traceback" not in done.stderr + done.stdout
        return done

    return run


@pytest.fixture
def host_here(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[HostCommand]:
    """The same within this process: for what is refused before anything is started."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("NO_COLOR", "1")
    kept = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}

    def run(*arguments: object) -> subprocess.CompletedProcess[str]:
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main(list(map(str, arguments)))
        written = capsys.readouterr()
        code = ended.value.code
        assert isinstance(code, int)
        return subprocess.CompletedProcess(arguments, code, written.out, written.err)

    yield run
    for number, handler in kept.items():
        signal.signal(number, handler)


@pytest.fixture
def agent_port() -> Iterator[int]:
    with running_agent() as port:
        yield int(port)
