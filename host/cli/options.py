"""Options that several commands share."""

from __future__ import annotations

from typing import Annotated

import typer

HistoryOption = Annotated[
    str | None,
    typer.Option(
        metavar="FILE|URL",
        help="Where measurements are kept.  \\[default: a file of this user's, or what "
        "JUMPSTATION_HISTORY says]",
    ),
]
