"""Shows on stderr what becomes of each device: a live table on a terminal, lines elsewhere."""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Iterator

import attrs
from rich import box
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from host.targeting.checks import CheckResult, Status
from host.targeting.latency import LatencyFigure
from host.targeting.site import Site
from host.targeting.target_selector import TargetObserver
from host.targeting.text import format_latency, format_ms
from host.targeting.verdict import DeviceVerdict, SiteVerdict

_COLUMNS = {
    "ram": "RAM",
    "storage": "storage",
    "backend": "backend",
    "quantization": "quant.",
    "latency": "latency",
    "ui": "UI",
}
"""The six checks in their order, and their column heads."""
_NARROW = 72
"""A terminal with fewer columns has no room for a column a check."""
_REFRESHES_HZ = 8
_STYLES = {Status.PASSED: "green", Status.FAILED: "red", Status.NOT_CHECKED: "dim"}
_MARKS = {Status.PASSED: "✓", Status.FAILED: "✗", Status.NOT_CHECKED: "·"}
_ASCII_MARKS = {Status.PASSED: "ok", Status.FAILED: "no", Status.NOT_CHECKED: "-"}


def _shown(verdict: SiteVerdict) -> str | None:
    """What was shown of the output on the board itself: ``exact``; None where nothing ran."""
    record = verdict.trial.record if verdict.trial else None
    return str(record.output.verdict) if record else None


def _brief(check: CheckResult) -> str:
    """Why a check failed, for a narrow column: ``ram 7.02 > 1.41 KB``."""
    if check.needed is None or check.available is None or check.unit is None:
        return check.text
    unit = "" if check.unit == "1" else f" {check.unit}"
    return f"{check.name} {check.needed:.3g} > {check.available:.3g}{unit}"


def _basis(figure: LatencyFigure) -> str:
    """What a latency rests on: ``emulated, cycle ±10%``; ``latency simulated, roofline``."""
    evidence = figure.evidence
    if not figure.is_measured:
        return f"latency {evidence.source}, {figure.method}"
    band = "" if evidence.error_band_pct is None else f" ±{evidence.error_band_pct:g}%"
    return f"{evidence.source}, {evidence.fidelity}{band}"


@attrs.define
class _Row:
    """A device of the table; ``doing`` is what its measurement does now."""

    verdict: DeviceVerdict
    decided: bool = False
    doing: str = ""


class _LiveTable:
    """Implements :class:`TargetObserver`; renders itself whenever the terminal is refreshed."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._lock = threading.Lock()
        self._rows: dict[str, _Row] = {}
        self._spinner = Spinner("line", style="dim")
        self._stage = ""
        self._marks = _ASCII_MARKS if console.options.ascii_only else _MARKS

    def stage(self, text: str) -> None:
        self._stage = text

    def note(self, text: str) -> None:
        self._console.print(f"note: {text}", highlight=False, markup=False)

    def assessed(self, verdict: DeviceVerdict) -> None:
        with self._lock:
            self._rows[verdict.device.id] = _Row(verdict, decided=not verdict.best.passed)

    def measuring(self, site: Site, text: str) -> None:
        with self._lock:
            self._rows[site.device].doing = text

    def decided(self, verdict: DeviceVerdict) -> None:
        with self._lock:
            self._rows[verdict.device.id] = _Row(verdict, decided=True)

    def __rich__(self) -> RenderableType:
        parts: list[RenderableType] = []
        with self._lock:
            if self._rows:
                parts.append(self._table())
        if self._stage:
            self._spinner.update(text=Text(self._stage, "dim", no_wrap=True, overflow="ellipsis"))
            parts.append(self._spinner)
        return Group(*parts)

    def finish(self) -> None:
        """Nothing is being done any more."""
        self._stage = ""

    def _table(self) -> Table:
        wide = self._console.width >= _NARROW
        columns = _COLUMNS if wide else {"latency": _COLUMNS["latency"]}
        table = Table(box=box.SIMPLE_HEAD, padding=0, pad_edge=False)
        table.add_column("board", no_wrap=True)
        for name, head in columns.items():
            table.add_column(head, justify="right" if name == "latency" else "left", no_wrap=True)
        table.add_column("result", overflow="fold", ratio=1)
        for device_id, row in self._rows.items():
            cells = [self._cell(row, name) for name in columns]
            table.add_row(device_id, *cells, self._result(row))
        return table

    def _cell(self, row: _Row, name: str) -> Text:
        check = next((check for check in row.verdict.best.checks if check.name == name), None)
        status = check.status if check else Status.NOT_CHECKED
        figure = row.verdict.figure
        if name != "latency" or figure is None:
            return Text(self._marks[status], _STYLES[status])
        about = "" if figure.is_measured else "~"
        return Text(f"{about}{format_ms(figure.median_ms)}", _STYLES[status] if check else "")

    def _result(self, row: _Row) -> Text:
        verdict, best = row.verdict, row.verdict.best
        if not row.decided:
            return Text(row.doing or "waits", "yellow", no_wrap=True, overflow="ellipsis")
        if not best.passed:
            return Text(f"fails: {'; '.join(map(_brief, best.failed))}", "red")
        if best.trial is None:
            return Text("not needed", "dim")
        shown = _shown(best)
        text = f"passes {best.precision}{'' if shown is None else f', {shown}'}"
        if verdict.figure is not None:
            text += f"; {_basis(verdict.figure)}"
        return Text(text, "green")


class _Lines:
    """Implements :class:`TargetObserver`: a line a device, whole whatever its length."""

    def stage(self, text: str) -> None:
        print(text, file=sys.stderr, flush=True)

    def note(self, text: str) -> None:
        print(f"note: {text}", file=sys.stderr, flush=True)

    def assessed(self, verdict: DeviceVerdict) -> None:
        pass

    def measuring(self, site: Site, text: str) -> None:
        pass

    def decided(self, verdict: DeviceVerdict) -> None:
        best = verdict.best
        if verdict.passed:
            parts = [best.precision]
            if verdict.figure is not None:
                parts.append(format_latency(verdict.figure))
            if (shown := _shown(best)) is not None:
                parts.append(f"output {shown}")
            parts += [check.text for check in best.checks if check.name == "measurement"]
            sign, text = "passes", "; ".join(parts)
        elif not verdict.is_decided:
            sign, text = "-", "not needed: the answer is known"
        else:
            sign, text = "fails", "; ".join(check.text for check in best.failed)
        line = f"  {verdict.device.id:<18}{sign:<8}{text}"
        print(line, file=sys.stderr, flush=True)


@contextlib.contextmanager
def target_observer() -> Iterator[TargetObserver]:
    """The observer that fits where stderr goes."""
    # By handle: what silences a library by way of sys.stderr must not take the table with it.
    console = Console(file=sys.stderr)
    if not console.is_terminal or console.is_dumb_terminal:
        yield _Lines()
        return
    table = _LiveTable(console)
    with Live(table, console=console, refresh_per_second=_REFRESHES_HZ, redirect_stdout=False):
        try:
            yield table
        finally:
            table.finish()
