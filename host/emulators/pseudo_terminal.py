"""An emulated board behind a pseudo-terminal, so that it is reached like a real one.

`host measure --port /dev/pts/N` then goes through pyserial exactly as it does for
`/dev/ttyACM0`. The baud rate that the client sets has no effect: the emulated line has its own.
"""

from __future__ import annotations

import os
import select
import threading
import tty
from collections.abc import Callable

from host.links.emulator import EmulatorLink

_POLL_S = 0.2
_CHUNK_BYTES = 4096


def serve_on_pty(
    link: EmulatorLink,
    announce: Callable[[str], None],
    stop: threading.Event | None = None,
) -> None:
    """Relays between the board and a new pseudo-terminal until told to stop.

    Args:
        link: to the board; closed on return.
        announce: called once with the terminal's path, `/dev/pts/N`.
        stop: ends the relay when set; without it only KeyboardInterrupt does.

    Raises:
        LinkError: the board has stopped; says why.
    """
    # The client's end stays open here: otherwise a client that closes it would hang up the line.
    ours, theirs = os.openpty()
    try:
        tty.setraw(theirs)
        os.set_blocking(ours, False)
        announce(os.ttyname(theirs))
        _relay(link, ours, stop or threading.Event())
    finally:
        os.close(ours)
        os.close(theirs)
        link.close()


def _relay(link: EmulatorLink, terminal: int, stop: threading.Event) -> None:
    """Moves bytes both ways; a side that takes none stops the other from being read."""
    board = link.fileno()
    to_terminal = b""
    while not stop.is_set():
        readers = [terminal] if to_terminal else [terminal, board]
        readable, writable, _ = select.select(
            readers, [terminal] if to_terminal else [], [], _POLL_S
        )
        if terminal in readable:
            link.write(os.read(terminal, _CHUNK_BYTES))
        if board in readable:
            to_terminal = link.read(0.0)
        if terminal in writable:
            to_terminal = to_terminal[os.write(terminal, to_terminal) :]
