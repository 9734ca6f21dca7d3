"""Every agent of this repository as a process behind a TCP port."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Callable, Iterator

from host.emulators import find_emulator
from host.links.base import Link
from host.links.open import open_link
from tests.support.make import ROOT
from tests.support.micropython_agent import INTERPRETERS, running_micropython_agent
from tests.support.pc_agent import build_pc_agent, running_agent

POOL_BYTES = "300000"
_READY = "READY "


@contextlib.contextmanager
def linux_agent() -> Iterator[int]:
    """The Linux agent, which runs plans in the posix agent."""
    command = [sys.executable, "-m", "agent.linux", "--tcp", "127.0.0.1:0"]
    command += ["--pc-agent", str(build_pc_agent()), "--pool-bytes", POOL_BYTES]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith(_READY), f"the agent said {line!r}"
        yield int(line.rpartition(":")[2])
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()


@contextlib.contextmanager
def running(agent: str) -> Iterator[str]:
    """Starts one of AGENTS; yields what `--port` calls it."""
    pool = ("--pool-bytes", POOL_BYTES)
    if agent == "posix":
        with running_agent(*pool, transport=("--pty",)) as path:
            yield path
    elif agent == "posix-small":
        # Frames not much larger than those of the smallest boards.
        with running_agent(*pool, max_payload_bytes=288) as port:
            yield tcp(port)
    elif agent == "pico":
        # The firmware that a board gets, on an emulated one.
        board = find_emulator("pico").start()
        try:
            yield tcp(board.port)
        finally:
            board.stop()
    elif agent == "linux":
        with linux_agent() as number:
            yield tcp(number)
    else:
        with running_micropython_agent(agent, *pool) as number:
            yield tcp(number)


AGENTS = ("posix", "posix-small", "pico", "linux", *INTERPRETERS)


def tcp(port: int | str) -> str:
    return f"tcp://127.0.0.1:{port}"


def link_to(port: str) -> Callable[[], Link]:
    return lambda: open_link(port)
