"""The posix agent as a process of its own, built first if it is out of date."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.support.make import BUILD_DIR, ROOT, make

_READY = "READY "
RUN_ANSWER_BYTES = 24
"""SPEC.md, RUN: before its ticks."""
TICKS_BYTES = 8


def build_pc_agent(max_payload_bytes: int | None = None) -> Path:
    """Path of the agent, or of one with smaller frames; safe in parallel test processes."""
    folder, options = "posix", []
    if max_payload_bytes is not None:
        variant = f"-payload-{max_payload_bytes}"
        folder += variant
        batch = min(1000, (max_payload_bytes - RUN_ANSWER_BYTES) // TICKS_BYTES)
        config = f"-DJSA_MAX_PAYLOAD_BYTES={max_payload_bytes} -DJSA_MAX_BATCH={batch}"
        options = [f"VARIANT={variant}", f"AGENT_CONFIG={config}"]
    make(ROOT / "firmware", "posix", *options)
    return BUILD_DIR / "firmware" / folder / "pc-agent"


@contextlib.contextmanager
def running_agent(
    *options: str,
    transport: Sequence[str] = ("--tcp", "0"),
    max_payload_bytes: int | None = None,
) -> Iterator[str]:
    """Starts an agent; yields what follows READY: its port, or its pseudo-terminal's path."""
    process = subprocess.Popen(
        [str(build_pc_agent(max_payload_bytes)), *transport, *options],
        stdout=subprocess.PIPE,
        text=True,
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
