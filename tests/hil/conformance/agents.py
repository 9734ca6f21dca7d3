"""Every agent of this repository as a process behind a TCP port."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Callable, Iterator

from host.links.base import Link
from host.links.tcp import TcpLink
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
def running(agent: str) -> Iterator[int]:
    """Starts one of AGENTS; yields its port on 127.0.0.1."""
    if agent == "posix":
        with running_agent("--pool-bytes", POOL_BYTES) as port:
            yield int(port)
    elif agent == "posix-small":
        # The smallest frames that a board has.
        with running_agent("--pool-bytes", POOL_BYTES, max_payload_bytes=288) as port:
            yield int(port)
    elif agent == "linux":
        with linux_agent() as number:
            yield number
    else:
        with running_micropython_agent(agent, "--pool-bytes", POOL_BYTES) as number:
            yield number


AGENTS = ("posix", "posix-small", "linux", *INTERPRETERS)


def link_to(port: int) -> Callable[[], Link]:
    return lambda: TcpLink("127.0.0.1", port)
