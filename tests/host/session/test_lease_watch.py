"""Who holds a board, told from what passes by."""

from __future__ import annotations

import time

import pytest

from host.session.lease_watch import Lease, LeaseWatch
from protocol.errors import ErrorCode
from protocol.framing import Frame
from protocol.messages import (
    ANSWER_BIT,
    ANSWERS,
    ERROR_ANSWER,
    NO_INDEX,
    REQUESTS,
    LeaseAction,
    MessageType,
)

ME = b"me@here".ljust(16, b"\0")
OTHER = b"other@there".ljust(16, b"\0")


def lease_request(session: int, sequence: int, action: LeaseAction, holder: bytes = ME) -> Frame:
    payload = REQUESTS[MessageType.LEASE].build(
        {"action": action, "duration_ms": 9000, "holder": holder}
    )
    return Frame(MessageType.LEASE, session, sequence, payload)


def lease_answer(session: int, sequence: int, duration_ms: int = 5000) -> Frame:
    payload = ANSWERS[MessageType.LEASE].build({"duration_ms": duration_ms, "boot_count": 1})
    return Frame(MessageType.LEASE | ANSWER_BIT, session, sequence, payload)


def hello_answer(holder: bytes, left_ms: int) -> Frame:
    payload = ANSWERS[MessageType.HELLO].build(
        {
            "protocol": 1,
            "reset_cause": 1,
            "capabilities_bytes": 0,
            "session": 9,
            "boot_count": 1,
            "lease_left_ms": left_ms,
            "holder": holder,
        }
    )
    return Frame(MessageType.HELLO | ANSWER_BIT, 0, 1, payload)


def error(session: int, code: ErrorCode, holder: bytes = bytes(16), left_ms: int = 0) -> Frame:
    payload = ERROR_ANSWER.build(
        {
            "request_type": MessageType.RUN,
            "code": code,
            "index": NO_INDEX,
            "needed": 0,
            "available": 0,
            "boot_count": 1,
            "lease_left_ms": left_ms,
            "holder": holder,
        }
    )
    return Frame(MessageType.ERROR, session, 3, payload)


@pytest.fixture
def held() -> LeaseWatch:
    """By me, in session 5, for the 5 s that were granted."""
    watch = LeaseWatch()
    watch.request(lease_request(5, 1, LeaseAction.TAKE))
    assert watch.lease is None
    watch.answer(lease_answer(5, 1))
    return watch


def the_lease(watch: LeaseWatch) -> Lease:
    assert watch.lease is not None
    return watch.lease


def test_taken_and_released(held: LeaseWatch) -> None:
    assert the_lease(held).holder == "me@here"
    assert 4.9 < the_lease(held).left_s <= 5.0
    held.request(lease_request(5, 2, LeaseAction.RELEASE))
    assert held.lease is not None
    held.answer(lease_answer(5, 2, 0))
    assert held.lease is None


def test_renewed_by_what_the_holder_is_answered(held: LeaseWatch) -> None:
    ends_at = the_lease(held).ends_at
    time.sleep(0.01)
    held.answer(Frame(MessageType.PING | ANSWER_BIT, 6, 1, b""))
    assert the_lease(held).ends_at == ends_at
    held.answer(Frame(MessageType.PING | ANSWER_BIT, 5, 1, b""))
    assert the_lease(held).ends_at > ends_at


def test_runs_out() -> None:
    watch = LeaseWatch()
    watch.request(lease_request(5, 1, LeaseAction.TAKE))
    watch.answer(lease_answer(5, 1, 10))
    time.sleep(0.02)
    assert watch.lease is None


def test_a_refused_request_changes_nothing(held: LeaseWatch) -> None:
    held.request(lease_request(6, 1, LeaseAction.TAKE, OTHER))
    held.answer(error(6, ErrorCode.BUSY, ME, 4000))
    assert the_lease(held).holder == "me@here"
    assert the_lease(held).session == 5
    assert the_lease(held).left_s <= 4.0


def test_the_board_itself_knows_best(held: LeaseWatch) -> None:
    held.answer(hello_answer(OTHER, 3000))
    assert the_lease(held).holder == "other@there"
    held.answer(hello_answer(bytes(16), 0))
    assert held.lease is None


def test_a_board_that_has_reset_has_forgotten(held: LeaseWatch) -> None:
    held.answer(error(5, ErrorCode.NO_SESSION))
    assert held.lease is None


def test_an_answer_whose_request_was_not_seen() -> None:
    watch = LeaseWatch()
    watch.answer(lease_answer(5, 1))
    assert watch.lease is None


def test_malformed_frames_are_no_harm(held: LeaseWatch) -> None:
    held.request(Frame(MessageType.LEASE, 5, 9, b"\1"))
    for kind in (MessageType.LEASE | ANSWER_BIT, MessageType.HELLO | ANSWER_BIT, MessageType.ERROR):
        held.answer(Frame(kind, 5, 9, b"\1"))
    assert the_lease(held).holder == "me@here"
