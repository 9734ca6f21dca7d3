"""``host farm``: what a rack does night after night."""

from __future__ import annotations

import typer

from hil.cli.nightly import baseline, nightly

farm = typer.Typer(help="Watch over a rack, night after night.", no_args_is_help=True)
farm.command()(baseline)
farm.command()(nightly)
