"""Starting a model's process where it is to run, and what is known of it from outside."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
from collections.abc import Iterator, Sequence
from pathlib import Path

import psutil

_EXIT_GRACE_S = 2.0


async def start(command: Sequence[str], cpus: Sequence[int]) -> asyncio.subprocess.Process:
    """Starts ``command`` on ``cpus``, talking over pipes.

    Raises:
        OSError: it cannot be started.
    """
    with _on(cpus):
        return await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            start_new_session=True,  # Ctrl-C is the agent's to handle
        )


@contextlib.contextmanager
def _on(cpus: Sequence[int]) -> Iterator[None]:
    """A child inherits its parent's CPUs, before its first instruction."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cpus)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


async def stop(process: asyncio.subprocess.Process) -> None:
    """Ends it: kindly where it listens."""
    if process.stdin is not None:
        process.stdin.close()
    try:
        # Not wait_for: before Python 3.12 it swallows a cancellation that comes with the result.
        async with asyncio.timeout(_EXIT_GRACE_S):
            await process.wait()
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def kill(process: asyncio.subprocess.Process) -> None:
    """Ends one that does not answer any more."""
    with contextlib.suppress(ProcessLookupError):
        process.kill()
    if process.stdin is not None:
        process.stdin.close()
    await process.wait()


async def end_failed(process: asyncio.subprocess.Process, error: Exception, hang_s: float) -> str:
    """Ends one that failed to answer, where it has not ended; returns how it failed."""
    if isinstance(error, TimeoutError):
        await kill(process)
        return f"said nothing for {hang_s:g} s"
    # Its pipe ends before its exit code is known, and killing it now would take that away.
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_EXIT_GRACE_S):
            await process.wait()
    await kill(process)
    return ending(process)


def ending(process: asyncio.subprocess.Process) -> str:
    """How one that has ended did so."""
    code = process.returncode
    if code is None or code >= 0:
        return f"ended with exit code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:  # a real-time signal has no name
        name = str(-code)
    return f"was ended by signal {name}"


def memory_bytes(pid: int) -> tuple[int | None, int | None]:
    """Resident memory of a process, and the most it was; None where it has ended.

    The peak is VmHWM of procfs: getrusage would count what the parent had before exec.
    """
    try:
        resident = int(psutil.Process(pid).memory_info().rss)
        status = Path(f"/proc/{pid}/status").read_text()
    except (psutil.Error, OSError):
        return None, None
    peak = re.search(r"^VmHWM:\s+(\d+) kB$", status, re.MULTILINE)
    return resident, int(peak[1]) * 1024 if peak else None
