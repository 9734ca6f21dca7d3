"""The runtime on an emulated Cortex-M0+ core without a board (tests/firmware/cortex_m0plus)."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.support.make import BUILD_DIR, ROOT, make

SOURCE_DIR = ROOT / "tests" / "firmware" / "cortex_m0plus"


@dataclass(frozen=True)
class Job:
    """A plan, and the arena's bytes before the run."""

    plan: bytes
    arena: bytes
    flash: str = "zero-wait"
    """Flash model: "zero-wait", or "xip" for the RP2040's cache."""


@dataclass(frozen=True)
class CoreRun:
    """What became of a job; ``code`` is that of ``jr_load``."""

    code: int
    arena: bytes
    cycles: int
    op_cycles: tuple[int, ...]
    stack_bytes: int


def build_image(kernels: str) -> Path:
    """The image with ``kernels`` "portable" or "m0plus"; safe in parallel test processes."""
    make(SOURCE_DIR)
    return BUILD_DIR / "tests" / "cortex_m0plus" / f"{kernels}.bin"


def run_jobs(image: Path, jobs: Sequence[Job]) -> list[CoreRun]:
    """Runs all jobs in one process.

    Raises:
        AssertionError: a job made a bad access, wrote beside the arena or did not end.
    """
    with tempfile.TemporaryDirectory() as folder:
        requests = []
        for number, job in enumerate(jobs):
            plan, arena = Path(folder, f"{number}.plan"), Path(folder, f"{number}.arena")
            plan.write_bytes(job.plan)
            arena.write_bytes(job.arena)
            requests.append({"plan": str(plan), "arena": str(arena), "flash": job.flash})
        request_file = Path(folder, "jobs.json")
        request_file.write_text(json.dumps(requests))
        output = subprocess.run(
            ["node", str(SOURCE_DIR / "core.mjs"), str(image), str(request_file)],
            check=True,
            capture_output=True,
        ).stdout
        answers = json.loads(output)
        for number, answer in enumerate(answers):
            assert "error" not in answer, f"job {number}: {answer['error']}"
        return [
            CoreRun(
                answer["result"],
                Path(request["arena"]).read_bytes(),
                answer["cycles"],
                tuple(answer["ops"]),
                answer["stack"],
            )
            for request, answer in zip(requests, answers, strict=True)
        ]
