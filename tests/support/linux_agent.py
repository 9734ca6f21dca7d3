"""The Linux agent as a process that listens on TCP."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator


@contextlib.contextmanager
def listening_agent(*options: str) -> Iterator[str]:
    """Yields its port as ``--port`` takes it; afterwards it must end as asked to."""
    command = [sys.executable, "-m", "agent.linux", "--tcp", "127.0.0.1:0"]
    process = subprocess.Popen([*command, *options], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        ready, address = process.stdout.readline().split()
        assert ready == "READY"
        yield f"tcp://{address}"
        assert process.poll() is None
    finally:
        process.terminate()
        assert process.wait(timeout=20) == 0
        process.stdout.close()
