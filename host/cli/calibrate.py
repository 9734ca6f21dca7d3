"""``host calibrate``: what a board's ops cost, for boards that cannot be measured at the time."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from host.cli.options import HistoryOption


def calibrate(
    board: Annotated[
        str, typer.Option(metavar="ID", help="Board to emulate, or the one at --port.")
    ],
    port: Annotated[
        str | None,
        typer.Option(metavar="DEV", help="Where a board is: /dev/ttyACM0, or tcp://HOST:PORT."),
    ] = None,
    flash_model: Annotated[
        str | None,
        typer.Option(
            metavar="MODEL",
            help="Of an emulated board that has several.  \\[default: its first]",
        ),
    ] = None,
    refit: Annotated[
        bool, typer.Option("--refit", help="Fit the samples that are there; measure nothing.")
    ] = False,
    with_history: Annotated[
        bool,
        typer.Option("--with-history", help="Fit the history's profiled ops of this board too."),
    ] = False,
    history: HistoryOption = None,
    output: Annotated[
        Path | None,
        typer.Option(
            metavar="JSON",
            help="Where to write it; the samples go beside it.  "
            "\\[default: calibration.json in the board's folder of devices/]",
        ),
    ] = None,
) -> None:
    """Calibrate a board's cost model: measure single ops on it, and fit their cycles."""
    from host.cli.progress import progress_observer
    from host.cli.render_calibration import print_calibration
    from host.evidence import History
    from host.targeting.simulate.calibrate import CalibrateRequest
    from host.targeting.simulate.calibrate import calibrate as calibrate_board

    request = CalibrateRequest(
        board=board, port=port, flash_model=flash_model, output=output, refit=refit
    )
    with progress_observer() as observer:
        if with_history:
            with History.open(history) as kept:
                done = calibrate_board(request, observer, kept)
        else:
            done = calibrate_board(request, observer)
    print_calibration(done)
