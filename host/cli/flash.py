"""``host flash``: firmware onto a physical board."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer


def flash(
    board: Annotated[
        str, typer.Option(metavar="ID", help="The board, such as uno; `host boards` lists them.")
    ],
    port: Annotated[
        str | None,
        typer.Option(
            metavar="DEV",
            help="Where it is: /dev/ttyACM0, tcp://HOST:PORT, or the folder of a UF2 drive. "
            "`host boards` lists what is connected.",
        ),
    ] = None,
    image: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Image to write instead of the one that `make firmware` built."
        ),
    ] = None,
) -> None:
    """Write firmware into a board's flash, and check over the wire that the board runs it.

    The board's profile names what writes it: a copy to a UF2 drive, avrdude, esptool or OpenOCD.
    Where that can read the flash (avrdude), an image that is already there is not written again.

    docs/hardware.md says how each board is wired and brought to listen.
    """
    from host.boards.flash import flash as flash_board

    def note(text: str) -> None:
        print(text, file=sys.stderr, flush=True)

    done = flash_board(board, port=port, image=image, note=note)
    verb = "Flashed" if done.written else "Kept   "
    revision = "" if done.manifest is None else f", revision {done.manifest.revision}"
    print(f"{verb}  {done.image} ({done.image.stat().st_size:,} bytes{revision})")
    if done.answered is not None:
        print(f"Answers  {done.answered.board} at {done.port}, build {done.answered.build}")
