"""The Linux agent as a process."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping

from tests.support.make import ROOT


@contextlib.contextmanager
def started_agent(
    *options: str, environment: Mapping[str, str] | None = None
) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Yields it, and what follows READY; a test may end it itself."""
    process = subprocess.Popen(
        [sys.executable, "-m", "agent.linux", *options],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, **(environment or {})},
    )
    assert process.stdout is not None
    try:
        ready, address = process.stdout.readline().split()
        assert ready == "READY"
        yield process, address
    finally:
        process.terminate()
        try:
            process.wait(timeout=20)
        finally:
            process.kill()  # one that does not end must not fail other tests, too
            process.wait()
            process.stdout.close()


@contextlib.contextmanager
def listening_agent(*options: str) -> Iterator[str]:
    """One on TCP. Yields its port as ``--port`` takes it; afterwards it must end as asked to."""
    with started_agent("--tcp", "127.0.0.1:0", *options) as (process, address):
        yield f"tcp://{address}"
        assert process.poll() is None
    assert process.returncode == 0


@contextlib.contextmanager
def agent_on_broker(
    url: str, *options: str, environment: Mapping[str, str] | None = None
) -> Iterator[str]:
    """One that is the board at ``url``. Yields that; afterwards it must end as asked to."""
    with started_agent("--mqtt", url, *options, environment=environment) as (process, address):
        assert address in url
        yield url
        assert process.poll() is None
    assert process.returncode == 0
