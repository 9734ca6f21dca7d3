"""Who holds the board, and for how long."""

from __future__ import annotations

import time

from agent.linux.refusal import Refusal
from protocol.errors import ErrorCode
from protocol.messages import HOLDER_BYTES, LeaseAction

MIN_MS = 1_000
MAX_MS = 600_000


class Lease:
    """At most one session holds it. Session 0 never does.

    ``epoch`` counts the changes of the holder: what a session sent does not outlive it.
    """

    def __init__(self) -> None:
        self.session = 0
        self.duration_ms = 0
        self.epoch = 0
        self._holder = bytes(HOLDER_BYTES)
        self._renewed_at_s = 0.0
        self._working = 0

    def expire(self) -> None:
        """Frees the board where the holder has been silent for its duration; not while it runs."""
        if self.session and self.left_ms == 0:
            self._change(0)

    def renew(self, session: int) -> None:
        if self.session and self.session == session:
            self._renewed_at_s = time.monotonic()

    def begin_work(self) -> None:
        """A request of the holder is being served: the lease does not run out under it."""
        self._working += 1

    def end_work(self, session: int) -> None:
        self._working -= 1
        self.renew(session)

    @property
    def left_ms(self) -> int:
        """0: nobody holds it. While it works for its holder, all of the duration is left."""
        if not self.session:
            return 0
        if self._working:
            return self.duration_ms
        gone_ms = int((time.monotonic() - self._renewed_at_s) * 1000)
        return max(0, self.duration_ms - gone_ms)

    @property
    def holder(self) -> bytes:
        """Zeros where nobody holds it."""
        return self._holder if self.session else bytes(HOLDER_BYTES)

    def check(self, session: int) -> None:
        """Raises Refusal unless ``session`` holds the lease."""
        if not self.session:
            raise Refusal(ErrorCode.NO_SESSION)
        if self.session != session:
            raise Refusal(ErrorCode.BUSY)

    def change(self, session: int, action: int, duration_ms: int, holder: bytes) -> None:
        """Takes, renews or releases it. Raises Refusal."""
        match action:
            case LeaseAction.TAKE:
                if not session:
                    raise Refusal(ErrorCode.NO_SESSION)
                if self.session not in (0, session):
                    raise Refusal(ErrorCode.BUSY)
                if not self.session:
                    self._change(session)
                self.duration_ms = min(MAX_MS, max(MIN_MS, duration_ms))
                self._renewed_at_s = time.monotonic()
                self._holder = holder
            case LeaseAction.RELEASE:
                self.check(session)
                self._change(0)
            case _:
                raise Refusal(ErrorCode.BAD_REQUEST)

    def drop(self) -> None:
        """Forgets the holder: the board restarts."""
        self._change(0)

    def _change(self, session: int) -> None:
        self.session = session
        self.duration_ms = 0
        self.epoch += 1
