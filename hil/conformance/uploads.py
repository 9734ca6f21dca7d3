"""Plans: go-back-N, what is resumed and what is there already, and every refusal."""

from __future__ import annotations

import zlib

from hil.conformance.board import Board, Refused, Session
from hil.conformance.check import check
from hil.conformance.plans import LOOKUPS, lookup_chain
from hil.conformance.verdict import Failed, expect
from protocol.errors import ErrorCode
from protocol.golden_plans import plan_vectors, seal
from protocol.messages import NO_INDEX, MessageType
from protocol.plan import PLAN_HEADER, PlanOp

AREA = "uploads"
_CHUNK_BYTES = 48


def _plan(board: Board, ops: int = 2, padding_bytes: int = 0) -> bytes:
    return lookup_chain(board.op_kind(LOOKUPS), 24, ops, padding_bytes=padding_bytes)


def _is_refused_with(code: ErrorCode, session: Session, plan: bytes) -> Refused:
    try:
        session.upload(plan)
    except Refused as refusal:
        expect(refusal.code == code, f"a plan was refused with {refusal}, not {code.name}")
        return refusal
    raise Failed(f"a plan was taken, not refused with {code.name}")


@check(AREA, "an upload ends with a checked plan, and says what it needs")
def whole(board: Board) -> None:
    plan = _plan(board, ops=3)
    header = PLAN_HEADER.parse(plan)
    with board.lease() as session:
        session.begin(plan, crc32=0)
        begun = session.begin(plan)
        expect(begun.window >= 1, "a window of 0")
        room = board.capabilities.max_payload_bytes
        expect(0 < begun.chunk_bytes < room, f"chunks of {begun.chunk_bytes} in frames of {room}")
        ended = session.upload(plan)
        expect(ended.arena_bytes == header.arena_bytes, f"arena of {ended.arena_bytes} bytes")
        expect(ended.arena_available_bytes >= ended.arena_bytes, "less arena than the plan needs")
        counts = (ended.op_count, ended.tensor_count)
        expect(counts == (3, 4), f"{counts[0]} ops and {counts[1]} tensors")


@check(AREA, "a chunk elsewhere than expected is not stored, and answered with what is expected")
def out_of_order(board: Board) -> None:
    plan = _plan(board, padding_bytes=400)
    with board.lease() as session:
        session.begin(plan, crc32=1)
        expect(session.begin(plan).next_offset == 0, "another plan does not start at 0")
        expected = 0
        for step in (0, 1, -1, 0, 0, -2, 3, 0, -1, 2):
            offset = max(0, expected + step * _CHUNK_BYTES)
            answered = session.chunk(plan, offset, _CHUNK_BYTES)
            if offset == expected:
                expected += _CHUNK_BYTES
            expect(answered == expected, f"wants {answered} next, not {expected}")
        while expected < len(plan):
            expected = session.chunk(plan, expected, _CHUNK_BYTES)
        session.ask(MessageType.PLAN_END)


@check(AREA, "a window of chunks may be unanswered")
def window(board: Board) -> None:
    plan = _plan(board, padding_bytes=200)
    with board.lease() as session:
        session.begin(plan, crc32=2)
        begun = session.begin(plan)
        size = min(begun.chunk_bytes, -(-len(plan) // begun.window))
        offsets = list(range(0, len(plan), size))[: begun.window]
        chunks = [
            session.request(MessageType.PLAN_CHUNK, offset=at, data=plan[at : at + size])
            for at in offsets
        ]
        board.send(b"".join(chunk.to_wire() for chunk in chunks))
        for chunk, at in zip(chunks, offsets, strict=True):
            wanted = session.answer_to(chunk).next_offset
            end = min(at + size, len(plan))
            expect(wanted == end, f"wants {wanted} next, not {end}")
        session.upload(plan)


@check(AREA, "an upload that was broken off is resumed, by another session too")
def resumed(board: Board) -> None:
    plan = _plan(board, padding_bytes=300)
    with board.lease() as session:
        session.begin(plan, crc32=3)
        session.begin(plan)
        session.chunk(plan, 0, _CHUNK_BYTES)
    with board.lease() as other:
        at = other.begin(plan).next_offset
        expect(at == _CHUNK_BYTES, f"resumed at {at}, not {_CHUNK_BYTES}")
        other.upload(plan)


@check(AREA, "a plan that is there is not sent again")
def already_there(board: Board) -> None:
    plan = _plan(board)
    with board.lease() as session:
        session.upload(plan)
    with board.lease() as other:
        at = other.begin(plan).next_offset
        expect(at == len(plan), f"wants byte {at} of a plan that it has")
        other.ask(MessageType.PLAN_END)
        expect(other.run().iterations == 1, "the plan does not run")
        expect(other.begin(plan, crc32=7).next_offset == 0, "another CRC passes as the same plan")


@check(AREA, "PLAN_END before the last byte is answered BAD_RANGE, and the upload goes on")
def too_early(board: Board) -> None:
    plan = _plan(board, padding_bytes=60)
    with board.lease() as session:
        session.begin(plan, crc32=4)
        session.begin(plan)
        session.chunk(plan, 0, _CHUNK_BYTES)
        answer = session.is_refused(ErrorCode.BAD_RANGE, MessageType.PLAN_END)
        sizes = (answer.needed, answer.available)
        expect(sizes == (len(plan), _CHUNK_BYTES), f"needed, available: {sizes}")
        at = _CHUNK_BYTES
        while at < len(plan):
            at = session.chunk(plan, at, _CHUNK_BYTES)
        session.ask(MessageType.PLAN_END)


@check(AREA, "bytes beyond the announced size are refused")
def too_many(board: Board) -> None:
    plan = _plan(board)
    with board.lease() as session:
        session.begin(plan, size_bytes=10, crc32=5)
        session.is_refused(ErrorCode.BAD_RANGE, MessageType.PLAN_CHUNK, offset=0, data=plan[:11])
        expect(session.chunk(plan, 0, 10) == 10, "what fits is not taken afterwards")
        session.is_refused(ErrorCode.BAD_RANGE, MessageType.PLAN_CHUNK, offset=10, data=b"!")


@check(AREA, "bytes without the announced CRC are refused until they are sent anew")
def wrong_checksum(board: Board) -> None:
    plan = _plan(board)
    damaged = plan[:-1] + bytes([plan[-1] ^ 1])
    with board.lease() as session:
        at = session.begin(plan, crc32=zlib.crc32(plan) ^ 1).next_offset
        while at < len(plan):
            at = session.chunk(damaged, at, _CHUNK_BYTES)
        session.is_refused(ErrorCode.UPLOAD_CHECKSUM, MessageType.PLAN_END)
        session.is_refused(ErrorCode.NO_PLAN, MessageType.RUN, iterations=1)
        session.upload(plan)


@check(AREA, "a plan too large for its store, or for a store that is not there, is refused")
def stores(board: Board) -> None:
    capacity = board.store.capacity_bytes
    with board.lease() as session:
        there = {store.store for store in board.capabilities.stores}
        for store in {0, 77, 255} - there:
            session.is_refused(ErrorCode.BAD_STORE, MessageType.PLAN_BEGIN, store=store)
        answer = session.is_refused(
            ErrorCode.STORE_TOO_SMALL,
            MessageType.PLAN_BEGIN,
            store=board.store.store,
            size_bytes=capacity + 1,
        )
        sizes = (answer.needed, answer.available)
        expect(sizes == (capacity + 1, capacity), f"needed, available: {sizes}")


@check(AREA, "a plan that is wrong is refused by the code of what is wrong, and none is loaded")
def hostile(board: Board) -> None:
    if PlanOp.QUANTIZE not in board.capabilities.op_set:
        board.op_kind((PlanOp.QUANTIZE,))
    for vector in plan_vectors():
        code = ErrorCode(vector["code"])
        plan = bytes.fromhex(vector["plan"])
        with board.lease() as session:
            if code == ErrorCode.OK:
                session.upload(plan)
                continue
            _is_refused_with(code, session, plan)
            session.is_refused(ErrorCode.NO_PLAN, MessageType.RUN, iterations=1)


@check(AREA, "an op that there is not is named by its index")
def unknown_op(board: Board) -> None:
    plan = _plan(board, ops=3)
    header = PLAN_HEADER.parse(plan)
    record_bytes = header.ops_bytes // header.op_count
    at = header.ops_offset + record_bytes
    damaged = seal(plan[:at] + b"\xfe" + plan[at + 1 :])
    with board.lease() as session:
        answer = _is_refused_with(ErrorCode.PLAN_OP_KIND, session, damaged).answer
        expect(answer.index == 1, f"op {answer.index} is named, not 1")
        magic = b"X" + plan[1:]
        answer = _is_refused_with(ErrorCode.PLAN_MAGIC, session, magic).answer
        expect(answer.index == NO_INDEX, f"index {answer.index} where none applies")


@check(AREA, "a plan that needs more arena than there is is refused with both sizes")
def arena_too_large(board: Board) -> None:
    plan = _plan(board)
    for wanted in (board.capabilities.pool_bytes, 0xFFFFFFF0):
        header = PLAN_HEADER.parse(plan)
        header.arena_bytes = wanted
        large = seal(PLAN_HEADER.build(header) + plan[PLAN_HEADER.sizeof() :])
        with board.lease() as session:
            answer = _is_refused_with(ErrorCode.ARENA_TOO_SMALL, session, large).answer
            expect(answer.needed == wanted, f"{answer.needed} bytes needed, not {wanted}")
            expect(answer.available < wanted, f"{answer.available} bytes available")
