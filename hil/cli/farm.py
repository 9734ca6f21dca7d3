"""``host farm``: what a rack does night after night."""

from __future__ import annotations

import typer

from hil.cli.nightly import baseline, nightly
from hil.cli.run import quarantine, run
from hil.cli.scan import scan

farm = typer.Typer(help="Watch over a rack, night after night.", no_args_is_help=True)
farm.command()(scan)
farm.command()(run)
farm.command()(quarantine)
farm.command()(baseline)
farm.command()(nightly)
