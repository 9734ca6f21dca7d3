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


HistoryOption = Annotated[
    str | None,
    typer.Option(
        metavar="FILE|URL",
        help="Where measurements are kept.  \\[default: a file of this user's, or what "
        "JUMPSTATION_HISTORY says]",
    ),
]
