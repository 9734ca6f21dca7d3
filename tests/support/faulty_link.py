"""A relay between host and agent that does to frames what bad cables do."""

from __future__ import annotations

import contextlib
import random
import select
import socket
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from protocol.framing import Frame, cobs_decode

_BITS_PER_BYTE = 10
"""On a UART: a start bit, eight of data, a stop bit."""
_POLL_S = 0.1


@dataclass
class Faults:
    """What to do to the frames of one direction; shares are of all frames, from 0 to 1."""

    corrupt: float = 0.0
    drop: float = 0.0
    duplicate: float = 0.0
    baud: int | None = None
    """Passes bytes on no faster than a UART at this rate."""
    cut_after_bytes: int | None = None
    """Closes both sides once this much went through."""
    swallow_after_bytes: int | None = None
    """Passes nothing on from then on, and keeps the line open."""
    rewrite: Callable[[Frame], Sequence[Frame]] | None = None
    """Puts other frames in the place of one: a board with a mind of its own."""


@dataclass
class Passage:
    """What went through one direction."""

    bytes: int = 0
    corrupted: int = 0
    dropped: int = 0
    duplicated: int = 0
    started_at: float | None = None
    ended_at: float = 0.0

    @property
    def faults(self) -> int:
        return self.corrupted + self.dropped + self.duplicated


@dataclass
class FaultyLink:
    """Listens on ``url`` and relays to ``target``; each connection is a new one there."""

    target: tuple[str, int]
    to_board: Faults = field(default_factory=Faults)
    to_host: Faults = field(default_factory=Faults)
    seed: int = 1

    def __post_init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"tcp://127.0.0.1:{self._listener.getsockname()[1]}"
        self.sent, self.received = Passage(), Passage()
        self._random = random.Random(self.seed)
        self._stopped = threading.Event()
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stopped.set()
        for thread in list(self._threads):
            thread.join()
        self._listener.close()

    def _accept(self) -> None:
        while not self._stopped.is_set():
            if not select.select([self._listener], [], [], _POLL_S)[0]:
                continue
            host, _ = self._listener.accept()
            board = socket.create_connection(self.target)
            for end in (host, board):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._relay(host, board)

    def _relay(self, host: socket.socket, board: socket.socket) -> None:
        directions = (
            threading.Thread(
                target=self._pass_on, args=(host, board, self.to_board, self.sent), daemon=True
            ),
            threading.Thread(
                target=self._pass_on, args=(board, host, self.to_host, self.received), daemon=True
            ),
        )
        for thread in directions:
            thread.start()
        for thread in directions:
            thread.join()
        host.close()
        board.close()

    def _pass_on(
        self, source: socket.socket, sink: socket.socket, faults: Faults, passage: Passage
    ) -> None:
        """Relays whole frames: what lies between two zero bytes, the second included."""
        pending = b""
        line_free_at = time.monotonic()
        with contextlib.suppress(OSError):
            while not self._stopped.is_set():
                if not select.select([source], [], [], _POLL_S)[0]:
                    continue
                data = source.recv(4096)
                if not data:
                    break
                *frames, pending = (pending + data).split(b"\0")
                out = b"".join(self._spoil(frame + b"\0", faults, passage) for frame in frames)
                limit = faults.swallow_after_bytes
                if limit is not None and passage.bytes + len(out) > limit:
                    out = b""
                if not out:
                    continue
                if passage.started_at is None:
                    passage.started_at = time.monotonic()
                if faults.baud is not None:
                    line_free_at = max(line_free_at, time.monotonic())
                    line_free_at += len(out) * _BITS_PER_BYTE / faults.baud
                    time.sleep(max(0.0, line_free_at - time.monotonic()))
                sink.sendall(out)
                passage.bytes += len(out)
                passage.ended_at = time.monotonic()
                if faults.cut_after_bytes is not None and passage.bytes > faults.cut_after_bytes:
                    break
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _spoil(self, frame: bytes, faults: Faults, passage: Passage) -> bytes:
        """``frame`` with its delimiter, or what is left of it; delimiters alone pass."""
        if len(frame) == 1:
            return frame
        if faults.rewrite is not None:
            frames = faults.rewrite(Frame.from_bytes(cobs_decode(frame[:-1])))
            return b"".join(new.to_wire() for new in frames)
        draw = self._random.random()
        if draw < faults.corrupt:
            passage.corrupted += 1
            at = self._random.randrange(len(frame) - 1)
            spoiled = bytearray(frame)
            spoiled[at] ^= self._random.randrange(1, 256)
            return bytes(spoiled)
        draw -= faults.corrupt
        if draw < faults.drop:
            passage.dropped += 1
            return b""
        draw -= faults.drop
        if draw < faults.duplicate:
            passage.duplicated += 1
            return frame + b"\0" + frame
        return frame
