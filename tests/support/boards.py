"""Emulated boards that end with the test that started them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from hil.emulators.process import EmulatorProcess


@contextmanager
def started(
    start: Callable[..., EmulatorProcess],
) -> Iterator[Callable[..., EmulatorProcess]]:
    """Gives ``start``, and ends at the exit what it has started."""
    running: list[EmulatorProcess] = []

    def start_one(*arguments: object, **options: object) -> EmulatorProcess:
        running.append(start(*arguments, **options))
        return running[-1]

    try:
        yield start_one
    finally:
        for process in running:
            process.stop()
