"""Builds what tests run, with the product's own Makefiles."""

from __future__ import annotations

import fcntl
import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD_DIR = ROOT / "build"


def make(
    folder: Path, *arguments: str, build: Path = BUILD_DIR, check: bool = True
) -> subprocess.CompletedProcess[str]:
    """Makes what is out of date below ``build``; test processes take turns.

    Raises:
        AssertionError: it failed, and ``check`` is set; with what it printed.
    """
    build.mkdir(parents=True, exist_ok=True)
    with (build / "tests.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = subprocess.run(
            ["make", "-s", "-C", str(folder), f"BUILD={build}", *arguments],
            check=False,
            capture_output=True,
            text=True,
            # A test run that is itself under make would hand its job server down.
            env={k: v for k, v in os.environ.items() if not k.startswith("MAKE")},
        )
    if check and done.returncode != 0:
        raise AssertionError(f"make -C {folder} failed:\n{done.stdout}{done.stderr}")
    return done
