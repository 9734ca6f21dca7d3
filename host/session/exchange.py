"""Requests and their answers over a link that may lose, corrupt or double frames.

A request is sent again under its own sequence number until its answer comes or
its deadline passes; the agent answers a repetition again and does nothing twice.
"""

from __future__ import annotations

import secrets
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

import attrs
from construct import ConstructError

from host.errors import BoardError, DeadlineExceeded
from host.links.base import Link
from host.session.deadline import Deadline
from host.session.refusals import board_error
from host.session.round_trip import RoundTripTimer
from protocol.framing import PROTOCOL_VERSION, Frame, FrameDecoder
from protocol.messages import (
    ALIVE_MESSAGE,
    ANSWER_BIT,
    ANSWERS,
    ERROR_ANSWER,
    REQUESTS,
    MessageType,
)

AliveObserver = Callable[[int, int], None]
"""Called with the next op and the number of ops of a long run."""


@attrs.define
class TrafficCounters:
    """What went over the link.

    ``retransmits`` counts frames that were sent again, ``lost`` those that surely had been lost
    before, for the board was there: it answered the repetition, and the first one never. Two
    answers say that the first was only late (as in Ludwig and Meyer, "The Eifel Detection
    Algorithm for TCP", RFC 3522, 2003).
    """

    bytes_sent: int = 0
    bytes_received: int = 0
    retransmits: int = 0
    lost: int = 0


class Exchange:
    """Frames to and from one board, in one session (0 before the handshake)."""

    def __init__(self, link: Link) -> None:
        self.link = link
        self.session = 0
        self.traffic = TrafficCounters()
        self.round_trip = RoundTripTimer()
        self._decoder = FrameDecoder()
        self._arrived: deque[Frame] = deque()
        self._missing: set[int] = set()
        """Requests that were sent again and have had one answer so far."""
        # Not from 1: an answer that an earlier process left on the way must not fit.
        self._sequence = secrets.randbelow(0xFFFF)

    def post(
        self, kind: MessageType, fields: Mapping[str, object], deadline: Deadline | None = None
    ) -> int:
        """Sends a request without waiting; returns the sequence number its answer will have.

        ``deadline`` is postponed by what the link took to send it.
        """
        self._sequence = self._sequence % 0xFFFF + 1
        took_s = self._send(self._frame(kind, fields))
        if deadline is not None:
            deadline.postpone(took_s)
        return self._sequence

    def poll(self, timeout_s: float) -> Frame | None:
        """The next frame of this session, or None after ``timeout_s``."""
        deadline = Deadline(timeout_s)
        while True:
            while self._arrived:
                frame = self._arrived.popleft()
                if frame.session == self.session and frame.version == PROTOCOL_VERSION:
                    if frame.sequence in self._missing:
                        self._missing.remove(frame.sequence)
                        self.traffic.lost -= 1
                    return frame
            data = self.link.read(deadline.remaining_s)
            self.traffic.bytes_received += len(data)
            self._arrived.extend(self._decoder.feed(data))
            if not self._arrived and deadline.expired:
                return None

    def call(
        self,
        kind: MessageType,
        fields: Mapping[str, object],
        *,
        deadline: Deadline,
        awaiting: str,
        retry_s: float | None = None,
        alive_s: float = 0.0,
        on_alive: AliveObserver | None = None,
    ) -> Any:
        """Sends a request and returns its answer, parsed.

        Args:
            kind: the request.
            fields: its payload.
            deadline: when to give up.
            awaiting: names the answer in the error message.
            retry_s: time after which to send again, where the round trip does not tell
                because the board has work to do first.
            alive_s: how much longer the board gets by each sign of life.
            on_alive: told of each sign of life.

        Raises:
            BoardError: the agent refused; ``code`` says why.
            DeadlineExceeded: no answer came.
            LinkError: the link failed.
        """
        self._sequence = self._sequence % 0xFFFF + 1
        frame = self._frame(kind, fields)
        attempts = 0
        while True:
            if attempts:
                self.traffic.retransmits += 1
            # A link that is held up, as by a broker's restart, takes none of the board's time.
            deadline.postpone(self._send(frame))
            sent_at = time.monotonic()
            attempts += 1
            wait = Deadline(retry_s or self.round_trip.timeout_s(attempts))
            while not wait.expired and not deadline.expired:
                arrived = self.poll(min(wait.remaining_s, deadline.remaining_s))
                if arrived is None:
                    continue
                if arrived.type == MessageType.ALIVE:
                    deadline.extend_to(alive_s)
                    wait.extend_to(retry_s or self.round_trip.timeout_s(attempts))
                    if on_alive is not None:
                        alive = _parse(ALIVE_MESSAGE, arrived)
                        on_alive(alive.op, alive.op_count)
                elif arrived.sequence == frame.sequence:
                    if retry_s is None:
                        if attempts == 1:
                            self.round_trip.observe(time.monotonic() - sent_at)
                        if attempts > 1:
                            self.traffic.lost += 1
                            self._missing.add(frame.sequence)
                    return answer_to(kind, arrived)
            if deadline.expired:
                raise self.silence(awaiting, deadline.elapsed_s)

    def silence(self, awaiting: str, waited_s: float) -> DeadlineExceeded:
        """The error for an answer that did not come, with what to look at."""
        if self.traffic.bytes_received == 0:
            hint = (
                f"nothing was received at all: check that the board has power and runs the agent, "
                f"and that {self.link.name} is its port"
            )
        elif self._decoder.dropped and not self.session:
            hint = (
                f"{self.traffic.bytes_received} bytes came but no frame: "
                "check the baud rate, and that the board runs the agent"
            )
        else:
            hint = "the board answered before: check cable and power, or reset it and try again"
        return DeadlineExceeded(
            f"no answer from {self.link.name} within {waited_s:.1f} s to {awaiting}",
            awaited=awaiting,
            waited_s=waited_s,
            frames_lost=self._decoder.dropped + self.traffic.lost,
            hint=hint,
        )

    def _frame(self, kind: MessageType, fields: Mapping[str, object]) -> Frame:
        payload = REQUESTS[kind].build(dict(fields))
        return Frame(kind, self.session, self._sequence, bytes(payload))

    def _send(self, frame: Frame) -> float:
        """Returns how long the link took to accept it, in seconds."""
        data = frame.to_wire()
        started = time.monotonic()
        self.link.write(data)
        self.traffic.bytes_sent += len(data)
        return time.monotonic() - started


def answer_to(kind: MessageType, frame: Frame) -> Any:
    """The parsed answer in ``frame``; raises BoardError where it is a refusal or not an answer."""
    if frame.type == MessageType.ERROR:
        raise board_error(_parse(ERROR_ANSWER, frame))
    if frame.type != kind | ANSWER_BIT:
        raise BoardError(f"the board answered {kind.name} with message type 0x{frame.type:02x}")
    return _parse(ANSWERS[kind], frame)


def _parse(struct: Any, frame: Frame) -> Any:
    try:
        return struct.parse(frame.payload)
    except ConstructError as error:
        raise BoardError(
            f"message type 0x{frame.type:02x} from the board is malformed "
            f"({len(frame.payload)} bytes of payload): {error}"
        ) from error
