"""``host emulate``: an emulated board on a pseudo-terminal."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def emulate(
    board: Annotated[str, typer.Argument(metavar="BOARD", help="The board, such as pico.")],
    flash_model: Annotated[
        str | None,
        typer.Option(metavar="MODEL", help="How flash accesses take time: xip or zero-wait."),
    ] = None,
    link: Annotated[
        str | None, typer.Option(metavar="LINK", help="Its way to the terminal: uart or usb.")
    ] = None,
    firmware: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Image to run instead of the built one.")
    ] = None,
    flash_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Keeps the flash between runs.")
    ] = None,
) -> None:
    """Offer an emulated board on a pseudo-terminal until Ctrl-C.

    Use it from another terminal with `host measure --port /dev/pts/N`.
    """
    from host.emulators import open_emulator
    from host.emulators.pseudo_terminal import serve_on_pty

    board_link = open_emulator(
        board, firmware=firmware, flash_model=flash_model, flash_file=flash_file, link=link
    )
    # The path alone, at once: scripts read it to know where to connect.
    serve_on_pty(board_link, lambda path: print(path, flush=True))
