"""Who holds the board, until when, and what RUN and LEASE were last answered."""

from jsp_protocol import (
    E_BAD_REQUEST,
    E_BUSY,
    E_NO_SESSION,
    HOLDER_BYTES,
    LEASE_RELEASE,
    LEASE_TAKE,
)
from refusal import Refusal

MIN_LEASE_MS = 1_000
MAX_LEASE_MS = 600_000


class Lease:
    """Times come from the port: ``millis_since(then)`` copes with a counter that wraps."""

    def __init__(self, port):
        self._port = port
        self.session = 0  # nobody's
        self.duration_ms = 0
        self._holder = bytes(HOLDER_BYTES)
        self._renewed_at = port.millis()

    def expire(self):
        """Frees the lease when its time is up."""
        if self.session and self._port.millis_since(self._renewed_at) >= self.duration_ms:
            self.session = 0

    def renew(self, session):
        """Starts the lease's time anew when ``session`` holds it."""
        if self.session and self.session == session:
            self._renewed_at = self._port.millis()

    def left_ms(self):
        if not self.session:
            return 0
        return max(0, self.duration_ms - self._port.millis_since(self._renewed_at))

    def holder(self):
        return self._holder if self.session else bytes(HOLDER_BYTES)

    def check(self, session):
        """Raises Refusal unless ``session`` holds the lease."""
        if not self.session:
            raise Refusal(E_NO_SESSION)
        if self.session != session:
            raise Refusal(E_BUSY)

    def change(self, session, request):
        """Takes, renews or releases it as a LEASE_REQUEST asks. Raises Refusal."""
        if request.action == LEASE_TAKE:
            if session == 0:
                raise Refusal(E_NO_SESSION)
            if self.session not in (0, session):
                raise Refusal(E_BUSY)
            self.session = session
            self.duration_ms = min(max(request.duration_ms, MIN_LEASE_MS), MAX_LEASE_MS)
            self._renewed_at = self._port.millis()
            self._holder = request.holder
        elif request.action == LEASE_RELEASE:
            self.check(session)
            self.session = 0
            self.duration_ms = 0
        else:
            raise Refusal(E_BAD_REQUEST)


class Outcome:
    """How the last request of a kind was answered, for when it comes again."""

    def __init__(self):
        self._session = 0  # none is kept
        self._sequence = 0
        self._payload = None
        self._refusal = None

    def replay(self, request, work):
        """The kept answer to ``request`` if it was the last, else that of ``work()``, now kept.

        Raises the Refusal that it was, or is, answered with.
        """
        if not (self._session and (self._session, self._sequence) == request.identity):
            self._payload = self._refusal = None
            try:
                self._payload = work()
            except Refusal as refusal:
                self._refusal = refusal
            self._session, self._sequence = request.identity
        if self._refusal is not None:
            raise self._refusal
        return self._payload
