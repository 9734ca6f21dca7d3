"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from host.errors import ConfigError

ModelArgument = Annotated[Path | None, typer.Argument(metavar="MODEL", help="The model's file.")]
ModelOption = Annotated[
    Path | None, typer.Option("--model", metavar="MODEL", help="The same, as an option.")
]


def one_model(argument: Path | None, option: Path | None) -> Path:
    """The model that was named, in either way.

    Raises:
        ConfigError: none was, or both ways.
    """
    if argument is not None and option is not None:
        raise ConfigError("MODEL and --model both name a model: give one")
    path = argument or option
    if path is None:
        raise ConfigError("no model: name its file", hint="`host COMMAND --help` shows how")
    return path


PORT_HINT = "as in pico=/dev/ttyACM0; `host boards` lists what is connected"


def board_at_port(option: str, text: str) -> tuple[str, str | None]:
    """Board and port of ``ID=DEV``; of ``ID`` alone no port.

    Args:
        option: what the user wrote, for the error.

    Raises:
        ConfigError: ID or DEV is empty.
    """
    board, equals, port = text.partition("=")
    if not board or (equals and not port):
        raise ConfigError(f"{option}: not of the form ID=DEV", hint=PORT_HINT)
    return board, port or None


ProfileOutput = Annotated[
    Path | None,
    typer.Option(
        "--profile",
        metavar="JSON",
        help="Writes the new model's requirement vector here, for `host target --profile`.",
    ),
]
"""Of commands that make a model."""

HistoryOption = Annotated[
    str | None,
    typer.Option(
        metavar="FILE|URL",
        help="Where measurements are kept.  \\[default: a file of this user's, or what "
        "JUMPSTATION_HISTORY says]",
    ),
]
NoHistoryOption = Annotated[
    bool, typer.Option("--no-history", help="Do not keep the measurements.")
]

LabelsOption = Annotated[
    Path | None, typer.Option(metavar="NPY", help="The samples' labels, where elsewhere.")
]
SamplesOption = Annotated[
    int | None, typer.Option(min=1, help="How many to use.  \\[default: all]")
]
ReportJson = Annotated[bool, typer.Option("--json", help="Print the report alone.")]
"""Of commands that change a model."""
