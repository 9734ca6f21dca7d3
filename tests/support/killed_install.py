"""Installs a bundle in processes that are killed at one step after another.

``python -m tests.support.killed_install FOLDER KEY ARCHIVE`` reads the number of a step from each
line of its standard input, forks a process that installs the archive into the slots of FOLDER and
is killed (SIGKILL) at that step, and answers ``killed STEP WHAT`` or ``done``. A step lies before
and after each call by which an install changes the disk, and in the middle of each file.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from protocol.bundle.signing import read_signing_key
from tests.support.bundles import Desk


class Killer:
    """Stands in for the calls of ``os`` that change a disk; kills this process at ``step``."""

    def __init__(self, step: int, say: int) -> None:
        self._left = step
        self._say = say

    def install(self) -> None:
        for name in ("open", "fsync", "replace"):
            setattr(os, name, self._watched(name, getattr(os, name)))
        os.fdopen = self._fdopen(os.fdopen)  # type: ignore[assignment]

    def step(self, what: str) -> None:
        if self._left == 0:
            os.write(self._say, f"{what}\n".encode())
            os.kill(os.getpid(), signal.SIGKILL)
        self._left -= 1

    def _watched(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def watched(*arguments: Any, **options: Any) -> Any:
            self.step(f"before {name}")
            result = call(*arguments, **options)
            self.step(f"after {name}")
            return result

        return watched

    def _fdopen(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def fdopen(*arguments: Any, **options: Any) -> Any:
            return _Torn(call(*arguments, **options), self)

        return fdopen


class _Torn:
    """A file whose bytes come to it in two halves."""

    def __init__(self, file: Any, killer: Killer) -> None:
        self._file = file
        self._killer = killer

    def __enter__(self) -> _Torn:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def write(self, data: bytes) -> None:
        half = len(data) // 2
        for piece in (data[:half], data[half:]):
            self._file.write(piece)
            self._file.flush()
            self._killer.step("within write")


def install(desk: Desk, archive: bytes, step: int, say: int) -> None:
    """What the forked process does; it does not return."""
    # The steps of the install begin behind the launch of what is there.
    desk.install(archive, before=Killer(step, say).install)
    os.write(say, b"done\n")
    os._exit(0)


def main() -> None:
    folder, key, archive = map(Path, sys.argv[1:])
    desk = Desk.make(folder, read_signing_key(key))
    data = archive.read_bytes()
    print("ready", flush=True)
    for line in sys.stdin:
        heard, say = os.pipe()
        child = os.fork()
        if child == 0:
            install(desk, data, int(line), say)
        os.close(say)
        with os.fdopen(heard) as answers:
            what = answers.readline().strip()
        _, status = os.waitpid(child, 0)
        was_killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        print(f"killed {line.strip()} {what}" if was_killed else what or "failed", flush=True)


if __name__ == "__main__":
    main()
