"""Holds a board: greeting, capabilities, lease, and every request's way to it and back."""

from __future__ import annotations

import contextlib
import getpass
import secrets
import socket
from collections.abc import Iterator, Mapping
from typing import Any, Self

from host.errors import BoardError, BoardReset, DeadlineExceeded, JumpstationError
from host.links.base import Link, SharedLink
from host.session.deadline import Deadline
from host.session.exchange import AliveObserver, Exchange, TrafficCounters
from host.session.lease_watch import Lease, lease_in
from host.session.refusals import busy, reset_cause_name
from protocol.capabilities import Capabilities
from protocol.errors import ErrorCode
from protocol.framing import PROTOCOL_VERSION
from protocol.messages import HOLDER_BYTES, Domain, LeaseAction, MessageType

ANSWER_S = 4.0
"""For an answer that costs the board no work."""
_CONNECT_S = 8.0
_LEASE_MS = 60_000
_RELEASE_S = 2.0
_EMULATION_SLOWDOWN = 5.0
"""How much slower than the board an emulator runs on a common desktop."""
_EMULATION_PATIENCE = 20.0
"""How much slower before it is taken for hung."""
_EMULATION_ROUND_TRIP_S = 1.0


class Connection:
    """A link with a session on it. Use as a context manager: it frees lease and link.

    ``lease_seen`` is the lease that another client held at the greeting, if one did.

    Every method raises BoardError (the board refused, or reset), DeadlineExceeded (it did
    not answer) or LinkError (the link failed).
    """

    def __init__(self, link: Link, session: int | None = None) -> None:
        """``session``: of 32 bits and not 0, to take up again one whose lease may still be held."""
        self.link = link
        self.capabilities = Capabilities()
        self.boot_count = 0
        self.reset_cause = ""
        self.lease_seen: Lease | None = None
        self._exchange = Exchange(link)
        self._id = session or secrets.randbelow(0xFFFFFFFF) + 1
        self._domain = Domain.ANY
        self._leased = False
        self._patience = 1.0
        self._slowdown = 1.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def traffic(self) -> TrafficCounters:
        """Counters of bytes and retransmissions so far."""
        return self._exchange.traffic

    def connect(
        self, domain: Domain = Domain.ANY, *, within_s: float | None = None
    ) -> Capabilities:
        """Greets the board, or one domain of a board that has several, and asks what it offers.

        Args:
            within_s: how long to wait for who may not be there, by the board's own time; None:
                as long as any board may take.
        """
        self._domain = domain
        if self.link.transport == "emulator":
            self._be_patient()
        try:
            limit_s = _CONNECT_S if within_s is None else within_s
            answer = self._hello(Deadline(limit_s * self._patience))
        except DeadlineExceeded as error:
            if isinstance(self.link, SharedLink) and (holder := self.link.holder) is not None:
                raise busy(holder.name, holder.left_s) from error
            raise
        self.boot_count = answer.boot_count
        self.reset_cause = reset_cause_name(answer.reset_cause)
        self.lease_seen = lease_in(answer)
        self._exchange.session = self._id
        data = bytearray()
        while len(data) < answer.capabilities_bytes:
            page = self.call(
                MessageType.CAPABILITIES, {"offset": len(data)}, "the board's capabilities"
            )
            if page.offset != len(data) or not page.data:
                raise BoardError("the board's list of capabilities is malformed")
            data += page.data
        self.capabilities = Capabilities.from_bytes(bytes(data))
        if self.capabilities.emulator:
            self._be_patient()
        wanted, offered = domain.name.lower(), self.capabilities.domain
        if domain != Domain.ANY and offered != wanted:
            raise BoardError(
                f"the {self.capabilities.board} on {self.link.name} is reached in its domain "
                f"{offered}, not {wanted}",
                hint="an agent on a board with both passes on what is for the other: --bridge",
            )
        return self.capabilities

    @contextlib.contextmanager
    def lease(self) -> Iterator[None]:
        """Holds the board for this session; every request renews it."""
        self._lease(LeaseAction.TAKE, Deadline(ANSWER_S * self._patience))
        self._leased = True
        try:
            yield
        finally:
            self._release()

    def ping(self) -> int:
        """Milliseconds since the board started."""
        return int(self.call(MessageType.PING, {}, "a ping").uptime_ms)

    def reset(self) -> None:
        """Restarts the board; the session ends with it."""
        self.call(MessageType.RESET, {}, "the reset")
        self._leased = False

    def close(self) -> None:
        """Releases the lease and closes the link."""
        try:
            self._release()
        finally:
            self.link.close()

    def _be_patient(self) -> None:
        self._patience = _EMULATION_PATIENCE
        self._slowdown = _EMULATION_SLOWDOWN
        self._exchange.round_trip.min_s = _EMULATION_ROUND_TRIP_S

    def _release(self) -> None:
        if not self._leased:
            return
        self._leased = False
        # Best effort: the lease runs out by itself, and a dead link is reported elsewhere.
        with contextlib.suppress(JumpstationError):
            self._lease(LeaseAction.RELEASE, Deadline(_RELEASE_S))

    def _lease(self, action: LeaseAction, deadline: Deadline) -> None:
        self._exchange.call(
            MessageType.LEASE,
            {"action": action, "duration_ms": _LEASE_MS, "holder": _holder()},
            deadline=deadline,
            awaiting="the lease",
        )

    def _hello(self, deadline: Deadline) -> Any:
        self._exchange.session = 0
        while True:
            answer = self._exchange.call(
                MessageType.HELLO,
                {
                    "protocol_min": PROTOCOL_VERSION,
                    "protocol_max": PROTOCOL_VERSION,
                    "domain": self._domain,
                    "session": self._id,
                },
                deadline=deadline,
                awaiting="the greeting (HELLO)",
            )
            if answer.session == self._id:  # else an answer to someone before us
                return answer

    def call(
        self,
        kind: MessageType,
        fields: Mapping[str, object],
        awaiting: str,
        *,
        limit_s: float = ANSWER_S,
        retry_s: float | None = None,
        alive_s: float = 0.0,
        on_alive: AliveObserver | None = None,
        stage: str = "session",
    ) -> Any:
        """A request within ``limit_s`` of the board's own time; ``retry_s`` is by our clock."""
        with self.diagnosed(stage):
            return self._exchange.call(
                kind,
                fields,
                deadline=Deadline(limit_s * self._patience),
                awaiting=awaiting,
                retry_s=retry_s,
                alive_s=alive_s * self._patience,
                on_alive=on_alive,
            )

    @contextlib.contextmanager
    def diagnosed(self, stage: str) -> Iterator[None]:
        """Says that the board reset where that is why it no longer knows this session."""
        try:
            yield
        except BoardError as error:
            if error.code != ErrorCode.NO_SESSION or not self._leased:
                raise
            self._leased = False
            hello = self._hello(Deadline(_CONNECT_S * self._patience))
            if hello.boot_count == self.boot_count:
                raise
            raise BoardReset(
                f"the board reset in mid-{stage} (cause {reset_cause_name(hello.reset_cause)}, "
                f"boot count {self.boot_count} → {hello.boot_count})",
                code=error.code,
                hint="check the board's power supply; "
                "a watchdog reset means that the firmware or a kernel hung",
            ) from error


def _holder() -> bytes:
    """``user@host`` as a board shows it to others, cut to what fits."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # no such user in the password database
        user = "host"
    return f"{user}@{socket.gethostname()}".encode()[:HOLDER_BYTES].ljust(HOLDER_BYTES, b"\0")
