"""The runtime on an emulated Cortex-M33 core without a board's port (tests/firmware/cortex_m33)."""

from __future__ import annotations

import os
import struct
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.support.make import BUILD_DIR, ROOT, make

SOURCE_DIR = ROOT / "tests" / "firmware" / "cortex_m33"
OUT_DIR = BUILD_DIR / "tests" / "cortex_m33"
COUNTER = BUILD_DIR / "hil" / "mps2_an505" / "counter.so"
_TIMEOUT_S = 120


@dataclass(frozen=True)
class Job:
    """A plan, and the arena's bytes before the run."""

    plan: bytes
    arena: bytes
    count: bool = False
    """Whether to count what every op costs."""


@dataclass(frozen=True)
class OpCost:
    """What the counter plug-in says of one op."""

    cycles: int
    instructions: int


@dataclass(frozen=True)
class CoreRun:
    """What became of a job; ``code`` is that of ``jr_load``."""

    code: int
    arena: bytes
    stack_bytes: int
    ops: tuple[OpCost, ...]


def build_image(kernels: str) -> Path:
    """The image with ``kernels`` "portable" or "m33"; safe in parallel test processes."""
    make(SOURCE_DIR)
    return OUT_DIR / f"{kernels}.elf"


def run_jobs(image: Path, jobs: Sequence[Job]) -> list[CoreRun]:
    """Runs all jobs in one process.

    Raises:
        AssertionError: a job faulted, wrote beside the arena or did not end.
    """
    with tempfile.TemporaryDirectory() as folder:
        jobs_file, pipe = Path(folder, "jobs"), Path(folder, "count")
        jobs_file.write_bytes(
            struct.pack("<I", len(jobs))
            + b"".join(
                struct.pack("<3I", len(job.plan), len(job.arena), job.count) + job.plan + job.arena
                for job in jobs
            )
        )
        command = ["qemu-system-arm", "-M", "mps2-an505", "-nographic", "-monitor", "none"]
        command += ["-kernel", str(image), "-serial", "null"]
        command += [
            "-semihosting-config",
            f"enable=on,target=native,arg={jobs_file}",
        ]
        if any(job.count for job in jobs):
            for end in (".in", ".out"):
                os.mkfifo(f"{pipe}{end}")
            command += ["-chardev", f"pipe,id=counter,path={pipe}", "-serial", "chardev:counter"]
            command += ["-plugin", f"{COUNTER},pipe={pipe}.in"]
        done = subprocess.run(command, check=False, capture_output=True, timeout=_TIMEOUT_S)
        assert done.returncode == 0, f"QEMU ended with {done.returncode}: {done.stderr.decode()}"
        answers = Path(f"{jobs_file}.out").read_bytes()
    return _parse(answers, jobs)


def _parse(answers: bytes, jobs: Sequence[Job]) -> list[CoreRun]:
    runs = []
    offset = 0
    for number, job in enumerate(jobs):
        code, stack_bytes, guards_whole, ops = struct.unpack_from("<iIII", answers, offset)
        assert guards_whole, f"job {number}: a store beside the arena"
        counts = struct.unpack_from(f"<{2 * ops}Q", answers, offset + 16)
        offset += 16 + 16 * ops
        costs = tuple(OpCost(*counts[i : i + 2]) for i in range(0, 2 * ops, 2))
        runs.append(CoreRun(code, answers[offset : offset + len(job.arena)], stack_bytes, costs))
        offset += len(job.arena)
    return runs
