"""Options that the commands of a farm share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

ModelsArgument = Annotated[
    list[Path] | None,
    typer.Argument(
        metavar="MODEL...",
        help="Model files, or folders of them.  \\[default: the bundled int8 examples]",
    ),
]
FarmFileOption = Annotated[
    Path, typer.Option("--config", "--farm", metavar="YAML", help="The farm file.")
]
BoardsOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME,...",
        help="On these alone: RACK/BOARD, a rack, a board, or a device of the catalog.",
    ),
]
TagsOption = Annotated[
    list[str] | None,
    typer.Option(metavar="TAG,...", help="On boards alone that have all of these."),
]
ParallelOption = Annotated[
    int | None,
    typer.Option(
        min=1, metavar="N", help="Emulated boards at a time.  \\[default: one a processor]"
    ),
]


def names_in(given: list[str] | None) -> list[str]:
    """``a,b`` and ``a`` and ``b`` given apart are the same."""
    return [part.strip() for text in given or () for part in text.split(",") if part.strip()]
