"""Shows on stderr how far a measurement is: bars on a terminal, lines elsewhere."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn

from host.measurement.observer import Observer, Silent


class _Bars:
    """A bar for the upload and one for the runs."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._tasks: dict[str, TaskID] = {}

    def stage(self, text: str) -> None:
        self._progress.console.print(text, style="dim", highlight=False, markup=False)

    def note(self, text: str) -> None:
        self._progress.console.print(f"note: {text}", highlight=False, markup=False)

    def upload(self, done: int, total: int) -> None:
        self._advance("upload (bytes)", done, total)

    def runs(self, done: int, total: int) -> None:
        self._advance("runs", done, total)

    def _advance(self, label: str, done: int, total: int) -> None:
        if label not in self._tasks:
            self._tasks[label] = self._progress.add_task(label, total=total)
        self._progress.update(self._tasks[label], completed=done, total=total)


class _Lines(Silent):
    """One line a stage."""

    def stage(self, text: str) -> None:
        print(text, file=sys.stderr, flush=True)

    def note(self, text: str) -> None:
        print(f"note: {text}", file=sys.stderr, flush=True)


@contextlib.contextmanager
def progress_observer() -> Iterator[Observer]:
    """The observer that fits where stderr goes."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _Lines()
        return
    columns = (TextColumn("{task.description:<15}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        yield _Bars(progress)
