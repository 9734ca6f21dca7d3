"""``host flash``: firmware onto a physical board."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer


def flash(
    board: Annotated[str, typer.Option(metavar="ID", help="The board, such as uno.")],
    port: Annotated[
        str | None,
        typer.Option(
            metavar="DEV",
            help="Where it is: /dev/ttyACM0, tcp://HOST:PORT, or the folder of a UF2 drive.",
        ),
    ] = None,
    image: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Image to write instead of the one that was built."),
    ] = None,
) -> None:
    """Write firmware into a board's flash, and check that the board runs it."""
    from host.boards.flash import flash as flash_board

    def note(text: str) -> None:
        print(text, file=sys.stderr, flush=True)

    done = flash_board(board, port=port, image=image, note=note)
    verb = "Flashed" if done.written else "Kept   "
    revision = "" if done.manifest is None else f", revision {done.manifest.revision}"
    print(f"{verb}  {done.image} ({done.image.stat().st_size:,} bytes{revision})")
    if done.answered is not None:
        print(f"Answers  {done.answered.board} at {done.port}, build {done.answered.build}")
