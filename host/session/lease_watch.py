"""Who holds a board, told from the frames that pass between it and its clients.

A rack that offers boards to many shows who has which. It need not ask the board for that:
a question in mid-run would be measured with the run.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from typing import Any

import attrs
from construct import ConstructError

from protocol.errors import ErrorCode
from protocol.framing import Frame
from protocol.messages import (
    ANSWER_BIT,
    ANSWERS,
    ERROR_ANSWER,
    REQUESTS,
    LeaseAction,
    MessageType,
    holder_name,
)

_PENDING = 64
"""LEASE requests that are kept until their answer comes; a lost one is asked again."""
_UNKNOWN_SESSION = 0


@attrs.frozen
class Lease:
    """``ends_at`` is on the monotonic clock, unless the holder asks anything before.

    ``session`` is 0 where the board named the holder but not its session.
    """

    holder: str
    ends_at: float
    duration_s: float
    session: int = _UNKNOWN_SESSION

    @property
    def left_s(self) -> float:
        return max(0.0, self.ends_at - time.monotonic())


def lease_in(answer: Any) -> Lease | None:
    """The lease that a parsed answer to HELLO, or an ERROR, tells of."""
    left_s = answer.lease_left_ms / 1000
    if not left_s:
        return None
    return Lease(holder_name(bytes(answer.holder)), time.monotonic() + left_s, left_s)


class LeaseWatch:
    """Shown every frame in both directions, knows the lease; frames it does not need are no harm.

    Args:
        lease: what is known to begin with.
    """

    def __init__(self, lease: Lease | None = None) -> None:
        self._lease = lease
        self._pending: OrderedDict[tuple[int, int], tuple[int, str]] = OrderedDict()

    @property
    def lease(self) -> Lease | None:
        """Who holds the board now; None: nobody."""
        if self._lease is not None and not self._lease.left_s:
            self._lease = None
        return self._lease

    def request(self, frame: Frame) -> None:
        """A frame on its way to the board."""
        if frame.type != MessageType.LEASE:
            return
        request = _parse(REQUESTS[MessageType.LEASE], frame)
        if request is not None:
            wanted = (int(request.action), holder_name(bytes(request.holder)))
            self._pending[frame.session, frame.sequence] = wanted
            if len(self._pending) > _PENDING:
                self._pending.popitem(last=False)

    def answer(self, frame: Frame) -> None:
        """A frame from the board."""
        if frame.type == MessageType.LEASE | ANSWER_BIT:
            self._changed(frame)
        elif frame.type == MessageType.HELLO | ANSWER_BIT:
            hello = _parse(ANSWERS[MessageType.HELLO], frame)
            if hello is not None:
                self._told(lease_in(hello))
        elif frame.type == MessageType.ERROR:
            error = _parse(ERROR_ANSWER, frame)
            if error is not None and error.code == ErrorCode.BUSY:
                self._told(lease_in(error))
            elif error is not None and error.code == ErrorCode.NO_SESSION:
                self._lease = None
        elif self._lease is not None and frame.session == self._lease.session:
            self._renew()

    def _changed(self, frame: Frame) -> None:
        granted = _parse(ANSWERS[MessageType.LEASE], frame)
        wanted = self._pending.pop((frame.session, frame.sequence), None)
        if granted is None or wanted is None:
            return
        action, holder = wanted
        if action == LeaseAction.TAKE:
            duration_s = granted.duration_ms / 1000
            ends_at = time.monotonic() + duration_s
            self._lease = Lease(holder, ends_at, duration_s, frame.session)
        else:
            self._lease = None

    def _told(self, lease: Lease | None) -> None:
        """By the board itself, which knows best, but for whose session it is."""
        known = self._lease
        if lease is not None and known is not None and lease.holder == known.holder:
            self._lease = attrs.evolve(known, ends_at=lease.ends_at)
        else:
            self._lease = lease

    def _renew(self) -> None:
        assert self._lease is not None
        self._lease = attrs.evolve(self._lease, ends_at=time.monotonic() + self._lease.duration_s)


def _parse(struct: Any, frame: Frame) -> Any | None:
    try:
        return struct.parse(frame.payload)
    except ConstructError:
        return None
