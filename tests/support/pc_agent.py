"""The posix agent as a process of its own, built first if it is out of date."""

from __future__ import annotations

import contextlib
import fcntl
import os
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_BUILD = ROOT / "build"
_READY = "READY "


def build_pc_agent() -> Path:
    """Path of the agent; safe in parallel test processes."""
    _BUILD.mkdir(exist_ok=True)
    with (_BUILD / "pc-agent.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        subprocess.run(
            ["make", "-s", "-C", str(ROOT / "firmware"), "posix", f"BUILD={_BUILD}"],
            check=True,
            # A test run that is itself under make would hand its job server down.
            env={k: v for k, v in os.environ.items() if not k.startswith("MAKE")},
        )
    return _BUILD / "firmware" / "posix" / "pc-agent"


@contextlib.contextmanager
def running_agent(*options: str, transport: Sequence[str] = ("--tcp", "0")) -> Iterator[str]:
    """Starts an agent; yields what follows READY: its port, or its pseudo-terminal's path."""
    process = subprocess.Popen(
        [str(build_pc_agent()), *transport, *options], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith(_READY), f"pc-agent said {line!r}"
        yield line[len(_READY) :].strip()
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()
