"""``host rack``: the boards of this machine, for others."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from host.farms import DEFAULT_FARM

rack = typer.Typer(help="Offer the boards of this machine to others.", no_args_is_help=True)


@rack.command()
def serve(
    config: Annotated[
        Path, typer.Option(metavar="YAML", help="The farm file: which boards there are.")
    ] = DEFAULT_FARM,
    mqtt: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="The broker: mqtt\\[s]://\\[USER@]BROKER\\[:PORT].  "
            "\\[default: one is started for this machine alone]",
        ),
    ] = None,
    rack: Annotated[
        str | None, typer.Option(metavar="ID", help="Serve this rack of the file, not all.")
    ] = None,
    broker_port: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=65535,
            metavar="N",
            help="Where the started broker listens.  \\[default: 1883, or any that is free]",
        ),
    ] = None,
) -> None:
    """Put every board of a farm file on a broker, until Ctrl-C."""
    from host.racks import find_rack_server

    # The URL alone, at once: scripts read it to know where to connect.
    find_rack_server().serve(
        config,
        mqtt=mqtt,
        rack=rack,
        broker_port=broker_port,
        announce=lambda url: print(url, flush=True),
    )
