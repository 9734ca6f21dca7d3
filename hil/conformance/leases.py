"""Who may ask for what: leases, their end, and requests that come twice."""

from __future__ import annotations

import time

from hil.conformance.board import Board
from hil.conformance.check import check
from hil.conformance.verdict import expect
from protocol.errors import ErrorCode
from protocol.messages import HOLDER_BYTES, REQUESTS, LeaseAction, MessageType

AREA = "leases"
_SHORTEST_MS, _LONGEST_MS = 1_000, 600_000
_FREE = (MessageType.HELLO, MessageType.CAPABILITIES, MessageType.LEASE, MessageType.PING)
"""Requests that need no lease."""


def _held_requests(board: Board) -> list[MessageType]:
    """Requests that need the lease, of those that the agent has."""
    has_models = bool(board.capabilities.engines)
    return [
        kind
        for kind in REQUESTS
        if kind not in _FREE and (has_models or kind < MessageType.MODEL_BEGIN)
    ]


@check(AREA, "without a lease every request that needs one is answered NO_SESSION")
def no_session(board: Board) -> None:
    session = board.session()
    for kind in _held_requests(board):
        answer = session.is_refused(ErrorCode.NO_SESSION, kind)
        expect(answer.boot_count >= 1, "ERROR without the boot count")
    session.is_refused(ErrorCode.NO_SESSION, MessageType.LEASE, action=LeaseAction.RELEASE)


@check(AREA, "a second session is answered BUSY with the holder and the time left")
def busy(board: Board) -> None:
    other = board.session()
    with board.lease() as session:
        session.take(duration_ms=30_000, holder=b"rack-7")
        for kind in _held_requests(board):
            other.is_refused(ErrorCode.BUSY, kind)
        answer = other.is_refused(
            ErrorCode.BUSY, MessageType.LEASE, action=LeaseAction.TAKE, duration_ms=1_000
        )
        other.is_refused(ErrorCode.BUSY, MessageType.LEASE, action=LeaseAction.RELEASE)
        hello = other.hello()
        for told in (answer, hello):
            expect(told.holder.rstrip(b"\0") == b"rack-7", f"the holder is told as {told.holder!r}")
            expect(0 < told.lease_left_ms <= 30_000, f"{told.lease_left_ms} of 30,000 ms left")
        other.ask(MessageType.PING)
        other.ask(MessageType.CAPABILITIES)
        session.ask(MessageType.PING)
    other.take()
    other.release()


@check(AREA, "a holder's name may fill all of its 16 bytes")
def long_name(board: Board) -> None:
    name = bytes(range(0x41, 0x41 + HOLDER_BYTES))
    with board.lease() as session:
        session.take(holder=name)
        told = board.session().hello().holder
        expect(told == name, f"the holder is told as {told!r}")


@check(AREA, "session 0 holds nothing")
def nobody(board: Board) -> None:
    zero = board.session(0)
    zero.is_refused(ErrorCode.NO_SESSION, MessageType.LEASE, action=LeaseAction.TAKE)
    zero.is_refused(ErrorCode.NO_SESSION, MessageType.PLAN_END)
    with board.lease():
        zero.is_refused(ErrorCode.BUSY, MessageType.PLAN_END)


@check(AREA, "a granted duration lies between 1 s and 600 s")
def durations(board: Board) -> None:
    with board.lease() as session:
        for asked, granted in ((0, _SHORTEST_MS), (45_000, 45_000), (0xFFFFFFFF, _LONGEST_MS)):
            answer = session.take(duration_ms=asked)
            expect(answer.duration_ms == granted, f"{answer.duration_ms} ms granted for {asked}")
            expect(answer.boot_count >= 1, "LEASE without the boot count")


@check(AREA, "LEASE with another action is answered BAD_REQUEST")
def actions(board: Board) -> None:
    with board.lease() as session:
        session.is_refused(ErrorCode.BAD_REQUEST, MessageType.LEASE, action=2, duration_ms=9_000)


@check(AREA, "a LEASE that comes twice is answered again, not done twice")
def repeated(board: Board) -> None:
    session = board.session()
    session.take()
    release = session.request(MessageType.LEASE, action=LeaseAction.RELEASE)
    first = session.exchange(release)
    expect(session.exchange(release) == first, "the second answer differs")
    # The number alone does not make it the same request.
    other = board.session()
    other.sequence = (release.sequence - 1) & 0xFFFF
    granted = other.take(duration_ms=5_000).duration_ms
    expect(granted == 5_000, f"{granted} ms granted to another session with the same number")
    other.release()
    # Under a new number it is a new request.
    session.is_refused(ErrorCode.NO_SESSION, MessageType.LEASE, action=LeaseAction.RELEASE)


@check(AREA, "a lease ends when its time is up, and every request of the holder renews it")
def expiry(board: Board) -> None:
    other = board.session()
    with board.lease() as session:
        session.take(duration_ms=_SHORTEST_MS)
        for _ in range(2):
            time.sleep(0.6)
            session.ask(MessageType.PING)
        other.is_refused(ErrorCode.BUSY, MessageType.LEASE, action=LeaseAction.TAKE)
        time.sleep(1.2)
        session.is_refused(ErrorCode.NO_SESSION, MessageType.PLAN_END)
        other.take()
        session.is_refused(ErrorCode.BUSY, MessageType.PLAN_END)
        other.release()
