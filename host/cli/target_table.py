"""Shows on stderr what becomes of each device, as it is decided."""

from __future__ import annotations

from rich.console import Console

from host.targeting.selection import DeviceVerdict, Observer
from host.targeting.text import format_latency


class _Lines:
    def __init__(self) -> None:
        self._console = Console(stderr=True, highlight=False, markup=False)

    def checked(self, verdict: DeviceVerdict) -> None:
        """One line a device: its verdict with the reason."""
        best = verdict.best
        if verdict.passed:
            figure = best.trial.figure if best.trial else None
            sign, style = "passes", "green"
            text = f"{best.precision}; {format_latency(figure)}" if figure else best.precision
        elif not verdict.was_tried:
            sign, style, text = "-", "dim", "not tried: the answer is known"
        else:
            sign, style = "fails", "red"
            text = "; ".join(check.text for check in best.failed)
        self._console.print(f"  {verdict.device.id:<18}{sign:<8}{text}", style=style)


def device_observer() -> Observer:
    """The observer that `host target` shows its devices with."""
    return _Lines()
