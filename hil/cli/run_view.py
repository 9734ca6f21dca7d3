"""Shows on stderr how a run goes on: a live table on a terminal, lines elsewhere."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Protocol

import attrs
from rich import box
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from hil.cli.run_text import attempt_line, outcome_line
from hil.run import Attempt, Job, Outcome, RunObserver, Status

_REFRESHES_HZ = 4
_STYLES = {
    Status.MEASURED: "green",
    Status.WRONG: "bold red",
    Status.UNFIT: "dim",
    Status.FAILED: "red",
    Status.NOT_RUN: "yellow",
}
_BEYOND_TABLE = 6
"""Lines that the terminal keeps free of the table."""


class NotedObserver(RunObserver, Protocol):
    """Is also told what is done before the jobs are known."""

    def note(self, text: str) -> None: ...


class _Lines:
    """A line for whatever lasts."""

    def __init__(self) -> None:
        self._total = self._settled = 0

    def note(self, text: str) -> None:
        self._print(text)

    def begun(self, run: str, jobs: Sequence[Job], settled: int) -> None:
        self._total, self._settled = len(jobs), settled
        before = f", {settled} of them done before" if settled else ""
        self._print(f"run {run}: {len(jobs)} jobs on {_boards(jobs)} boards{before}")

    def started(self, job: Job) -> None: ...

    def stage(self, job: Job, text: str) -> None: ...

    def attempt_failed(self, job: Job, attempt: Attempt, again: bool) -> None:
        self._print(attempt_line(job, attempt, again))

    def settled(self, outcome: Outcome) -> None:
        self._settled += 1
        self._print(f"[{self._settled}/{self._total}] {outcome_line(outcome)}")

    def quarantined(self, board: str, reason: str) -> None:
        self._print(f"{board}: quarantine: {reason}")

    def _print(self, text: str) -> None:
        print(text, file=sys.stderr, flush=True)


@attrs.define
class _Row:
    """One board's."""

    total: int
    settled: Counter[Status] = attrs.field(factory=Counter)
    doing: str = ""
    began_at: float | None = None
    quarantined: bool = False

    @property
    def is_idle(self) -> bool:
        return self.began_at is None


class _LiveTable:
    """A row a board; what failed scrolls past above it."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._lock = threading.Lock()
        self._rows: dict[str, _Row] = {}
        self._title = ""

    def note(self, text: str) -> None:
        self._console.print(text, style="dim", highlight=False, markup=False)

    def begun(self, run: str, jobs: Sequence[Job], settled: int) -> None:
        totals = Counter(job.board for job in jobs)
        before = f", {settled} done before" if settled else ""
        with self._lock:
            self._title = f"run {run}: {len(jobs)} jobs{before}"
            self._rows = {board: _Row(total) for board, total in sorted(totals.items())}

    def started(self, job: Job) -> None:
        with self._lock:
            row = self._rows[job.board]
            row.doing, row.began_at = job.candidate.name, time.monotonic()

    def stage(self, job: Job, text: str) -> None:
        with self._lock:
            self._rows[job.board].doing = f"{job.candidate.name}: {text}"

    def attempt_failed(self, job: Job, attempt: Attempt, again: bool) -> None:
        self._above(attempt_line(job, attempt, again), "yellow" if again else "red")

    def settled(self, outcome: Outcome) -> None:
        with self._lock:
            row = self._rows[outcome.job.board]
            row.settled[outcome.status] += 1
            row.doing, row.began_at = "", None
        if outcome.status == Status.WRONG:
            self._above(outcome_line(outcome), _STYLES[outcome.status])

    def quarantined(self, board: str, reason: str) -> None:
        with self._lock:
            self._rows[board].quarantined = True
        self._above(f"{board}: quarantine: {reason}", "bold yellow")

    def __rich__(self) -> RenderableType:
        table = Table(box=box.SIMPLE_HEAD, padding=(0, 1), pad_edge=False, expand=True)
        for head in ("board", "jobs", "s"):
            table.add_column(head, no_wrap=True)
        table.add_column("now", no_wrap=True, overflow="ellipsis", ratio=1)
        with self._lock:
            if not self._rows:
                return Text()
            # Those at work first: of many boards the terminal shows as many as it has lines for.
            rows = sorted(self._rows.items(), key=lambda entry: entry[1].is_idle)
            shown = rows[: max(1, self._console.height - _BEYOND_TABLE)]
            for board, row in shown:
                table.add_row(board, _counts(row), _elapsed(row), _doing(row))
            hidden = len(rows) - len(shown)
            title = Text(self._title + (f" ({hidden} more boards)" if hidden else ""))
        return Group(title, table)

    def _above(self, text: str, style: str) -> None:
        self._console.print(text, style=style, highlight=False, markup=False)


def _counts(row: _Row) -> Text:
    text = Text(f"{row.settled.total()}/{row.total}")
    for status, count in sorted(row.settled.items()):
        if status != Status.MEASURED:
            text.append(f" {count} {status}", _STYLES[status])
    return text


def _elapsed(row: _Row) -> str:
    return "" if row.began_at is None else f"{time.monotonic() - row.began_at:.0f}"


def _doing(row: _Row) -> Text:
    if row.quarantined:
        return Text("quarantine", "yellow")
    if row.settled.total() == row.total:
        return Text("done", "dim")
    return Text(row.doing or "waiting", "" if row.doing else "dim")


def _boards(jobs: Sequence[Job]) -> int:
    return len({job.board for job in jobs})


@contextlib.contextmanager
def run_observer() -> Iterator[NotedObserver]:
    """The observer that fits where stderr goes; says how to go on where the run was called off."""
    console = Console(stderr=True)
    try:
        if not console.is_terminal:
            yield _Lines()
            return
        table = _LiveTable(console)
        with Live(table, console=console, refresh_per_second=_REFRESHES_HZ, transient=True):
            yield table
    except (KeyboardInterrupt, SystemExit):
        print(
            "called off: boards are released; `host farm run --resume` goes on with the rest",
            file=sys.stderr,
        )
        raise
