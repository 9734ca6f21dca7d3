"""HELLO, CAPABILITIES, PING, and requests that make no sense."""

from __future__ import annotations

from hil.conformance.board import Board
from hil.conformance.check import check
from hil.conformance.verdict import expect
from protocol.errors import ErrorCode
from protocol.messages import REQUESTS, RUN_ANSWER, MessageType, ResetCause
from protocol.plan import VERSION_MAJOR, PlanOp, WeightLayout

AREA = "handshake"
_PAGE_BYTES = 96
_GREEDY = {
    MessageType.HELLO,
    MessageType.PLAN_CHUNK,
    MessageType.INPUT,
    MessageType.MODEL_BEGIN,
    MessageType.MODEL_CHUNK,
}
"""Requests that may be longer than their fixed part."""
_TICKS_BYTES = 8


@check(AREA, "HELLO is answered without a lease, as often as it is asked")
def hello(board: Board) -> None:
    session = board.session()
    for _ in range(2):
        answer = session.hello()
        expect(answer.protocol == 1, f"version {answer.protocol} was picked from 1 to 1")
        expect(answer.session == session.number, "HELLO does not repeat its session")
        expect(answer.boot_count >= 1, "the boot count starts at 1")
        expect(answer.reset_cause in list(ResetCause), f"reset cause {answer.reset_cause}")
        expect(answer.lease_left_ms == 0, "a lease is held by nobody")
        expect(not any(answer.holder), f"holder {answer.holder!r} without a lease")


@check(AREA, "HELLO picks a version that both speak")
def versions(board: Board) -> None:
    session = board.session()
    expect(session.hello(low=0, high=200).protocol == 1, "not version 1 out of 0 to 200")
    for low, high in ((2, 9), (0, 0)):
        session.is_refused(
            ErrorCode.UNSUPPORTED_VERSION,
            MessageType.HELLO,
            protocol_min=low,
            protocol_max=high,
            session=session.number,
        )


@check(AREA, "HELLO refuses session 0")
def hello_of_nobody(board: Board) -> None:
    board.session().is_refused(
        ErrorCode.BAD_REQUEST, MessageType.HELLO, protocol_min=1, protocol_max=1, session=0
    )


@check(AREA, "capabilities come in pages of at most 96 bytes that may begin anywhere")
def pages(board: Board) -> None:
    session = board.session()
    total = session.hello().capabilities_bytes
    whole = session.capability_list()
    expect(len(whole) == total, f"HELLO says {total} bytes of capabilities, there are {len(whole)}")
    for offset in (0, 1, 7, total - 1, total):
        page = session.ask(MessageType.CAPABILITIES, offset=offset)
        expect(page.total_bytes == total, f"a page says {page.total_bytes} in all, not {total}")
        expect(page.offset == offset, f"the page of {offset} says {page.offset}")
        expect(len(page.data) <= _PAGE_BYTES, f"a page of {len(page.data)} bytes")
        expect(whole[offset:].startswith(page.data), f"the page of {offset} is other bytes")
    session.is_refused(ErrorCode.BAD_RANGE, MessageType.CAPABILITIES, offset=total + 1)


@check(AREA, "what is offered is whole and agrees with itself")
def capabilities(board: Board) -> None:
    offered = board.capabilities
    for name in ("firmware", "board", "domain", "core", "engine"):
        expect(getattr(offered, name), f"no {name.upper()}")
    expect(offered.domain in ("mcu", "mpu"), f"domain {offered.domain!r}")
    expect(offered.tick_hz > 0, "TICK_HZ is 0")
    expect(offered.max_batch >= 1, "MAX_BATCH is 0")
    room = offered.max_payload_bytes - len(_empty_run_answer())
    expect(room >= offered.max_batch * _TICKS_BYTES, "no room for an answer to MAX_BATCH")
    if offered.stores:
        expect(offered.plan_version[0] == VERSION_MAJOR, f"plan version {offered.plan_version}")
        expect(WeightLayout.ROWS4 in offered.weight_layouts, "no weight layout that there is")
        expect(offered.op_set & set(PlanOp), "an empty OP_SET")
        expect(offered.pool_bytes > 0, "POOL_BYTES is 0")
        expect(all(store.window >= 1 for store in offered.stores), "an upload window of 0")


def _empty_run_answer() -> bytes:
    fields = {sub.name: 0 for sub in RUN_ANSWER.subcons}
    return bytes(RUN_ANSWER.build({**fields, "ticks": []}))


@check(AREA, "PING tells boot count and a time that passes, lease or not")
def ping(board: Board) -> None:
    session = board.session()
    first, second = session.ask(MessageType.PING), session.ask(MessageType.PING)
    expect(
        first.boot_count == second.boot_count == session.hello().boot_count, "boot counts differ"
    )
    expect(second.uptime_ms >= first.uptime_ms, "the time went back")


@check(AREA, "a type that there is not is answered UNKNOWN_TYPE")
def unknown_types(board: Board) -> None:
    with board.lease() as session:
        for kind in (0, max(REQUESTS) + 1, 0x7F):
            session.frame_is_refused(ErrorCode.UNKNOWN_TYPE, session.frame(kind))


@check(AREA, "a payload that is shorter or longer than its type says is answered BAD_REQUEST")
def wrong_lengths(board: Board) -> None:
    with board.lease() as session:
        for kind in REQUESTS:
            if kind >= MessageType.MODEL_BEGIN and not board.capabilities.engines:
                session.frame_is_refused(ErrorCode.UNKNOWN_TYPE, session.frame(kind))
                continue
            size = len(session.request(kind).payload)
            lengths = [size - 1] if size else []
            lengths += [] if kind in _GREEDY else [size + 1]
            for length in lengths:
                request = session.frame(kind, bytes(length))
                session.frame_is_refused(ErrorCode.BAD_REQUEST, request)
