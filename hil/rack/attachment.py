"""A board of the rack, held on to: opened, greeted, listened to, and opened again when it is back.

The links are synchronous, so each board has a thread that reads and one that writes; what they
find is told on the gateway's event loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from queue import Empty, Full, Queue
from typing import Protocol

import attrs

from hil.farm.file import FarmBoard
from hil.rack.finding import open_board
from host.errors import BoardError, JumpstationError
from host.links.base import Link
from host.session import Lease
from host.session.connection import Connection
from protocol.capabilities import Capabilities
from protocol.framing import Frame, FrameDecoder

_RETRY_S = 0.5
"""How soon a board that was plugged in is noticed."""
_READ_S = 0.5
_QUEUED_FRAMES = 64
"""More than the windows of all clients that a board may have at a time; beyond it frames are lost,
as they would be on the line."""
_JOIN_S = 5.0


@attrs.frozen
class Greeted:
    """What a board said of itself when it was attached."""

    capabilities: Capabilities
    boot_count: int
    lease: Lease | None


class AttachmentObserver(Protocol):
    """Called on the event loop."""

    def attached(self, greeted: Greeted) -> None: ...

    def detached(self, reason: str) -> None: ...

    def received(self, frame: Frame) -> None: ...


class Attachment:
    """Keeps one board attached from :meth:`start` to :meth:`stop`."""

    def __init__(
        self,
        board: FarmBoard,
        observer: AttachmentObserver,
        loop: asyncio.AbstractEventLoop,
        open_link: Callable[[FarmBoard], Link] = open_board,
    ) -> None:
        self._board = board
        self._observer = observer
        self._loop = loop
        self._open_link = open_link
        self._stop = threading.Event()
        self._outgoing: Queue[bytes] = Queue(_QUEUED_FRAMES)
        self._thread = threading.Thread(target=self._run, name=board.id, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Has the link closed, soon; returns at once."""
        self._stop.set()

    def join(self) -> None:
        """Waits until it is; not on the event loop."""
        self._thread.join(_JOIN_S)

    def send(self, frame: Frame) -> None:
        """Towards the board; never waits. A frame for which there is no room is lost."""
        with contextlib.suppress(Full):
            self._outgoing.put_nowait(frame.to_wire())

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._attend()
            except JumpstationError as error:
                self._tell(self._observer.detached, str(error))
            self._stop.wait(_RETRY_S)

    def _attend(self) -> None:
        """Serves the board until it goes away; raises why it did, or why it never was there."""
        link = self._open_link(self._board)
        writer: threading.Thread | None = None
        gone = threading.Event()
        try:
            greeted = self._greet(link)
            self._discard_outgoing()
            writer = threading.Thread(target=self._write, args=(link, gone), daemon=True)
            writer.start()
            self._tell(self._observer.attached, greeted)
            decoder = FrameDecoder()
            while not self._stop.is_set() and not gone.is_set():
                for frame in decoder.feed(link.read(_READ_S)):
                    self._tell(self._observer.received, frame)
        finally:
            gone.set()
            link.close()
            if writer is not None:
                writer.join(_JOIN_S)

    def _greet(self, link: Link) -> Greeted:
        connection = Connection(link)
        capabilities = connection.connect()
        if self._board.device not in (None, capabilities.board):
            raise BoardError(
                f"the farm file says that {self._board.id} is a {self._board.device!r}, "
                f"but it is a {capabilities.board!r}"
            )
        return Greeted(capabilities, connection.boot_count, connection.lease_seen)

    def _write(self, link: Link, gone: threading.Event) -> None:
        while not gone.is_set():
            try:
                link.write(self._outgoing.get(timeout=_READ_S))
            except Empty:
                continue
            except JumpstationError as error:
                if not gone.is_set():
                    self._tell(self._observer.detached, str(error))
                gone.set()

    def _discard_outgoing(self) -> None:
        """What was meant for the board before it went: its senders have asked again since."""
        with contextlib.suppress(Empty):
            while True:
                self._outgoing.get_nowait()

    def _tell(self, callback: Callable[..., None], *arguments: object) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended: nobody is there to be told
            self._loop.call_soon_threadsafe(callback, *arguments)
