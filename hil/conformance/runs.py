"""Runs: inputs sent and drawn, checksums, reading back, profiles."""

from __future__ import annotations

import zlib
from typing import Any

from hil.conformance.board import Board, Session, run_fields
from hil.conformance.check import check
from hil.conformance.plans import LOOKUPS, look_up, lookup_chain, tensor_offset
from hil.conformance.verdict import Skipped, expect
from protocol.capabilities import Feature
from protocol.errors import ErrorCode
from protocol.generator import draw_input
from protocol.messages import NO_INDEX, InputSource, MessageType, RunFlag

AREA = "runs"
_ELEMENTS = 61
_OPS = 4
_SENT = InputSource.SENT


def _loaded(session: Session, *, in_place: bool = False, elements: int = _ELEMENTS) -> None:
    """Puts the usual plan on the board."""
    kind = session.board.op_kind(LOOKUPS)
    ops = 1 if in_place else _OPS
    session.upload(lookup_chain(kind, elements, ops, in_place=in_place))


def _is(what: str, got: object, wanted: object) -> None:
    expect(got == wanted, f"{what} is {got!r}, not {wanted!r}")


def _checks_sums(answer: Any, data: bytes, ops: int) -> None:
    """The checksums of a run with ``data`` as its input."""
    _is("input_crc32", answer.input_crc32, zlib.crc32(data))
    _is("output_crc32", answer.output_crc32, zlib.crc32(look_up(data, ops)))


@check(AREA, "once another plan is begun there is none, and what needs one is answered NO_PLAN")
def no_plan(board: Board) -> None:
    with board.lease() as session:
        _loaded(session)
        session.begin(lookup_chain(board.op_kind(LOOKUPS), 8, 1), crc32=6)
        for kind in (MessageType.RUN, MessageType.INPUT, MessageType.OUTPUT, MessageType.ARENA):
            session.is_refused(ErrorCode.NO_PLAN, kind)


@check(AREA, "seeded inputs are the generator's, and the checksums theirs and the outputs'")
def seeded(board: Board) -> None:
    with board.lease() as session:
        _loaded(session)
        for seed in (0, 1, 0x9E3779B9, 0xFFFFFFFF):
            data = draw_input(seed, 0, _ELEMENTS)
            answer = session.run(seed=seed)
            _checks_sums(answer, data, _OPS)
            _is("unstable_at", answer.unstable_at, NO_INDEX)
            output = session.read(MessageType.OUTPUT, 0, _ELEMENTS, index=0)
            _is("the output", output, look_up(data, _OPS))


@check(AREA, "a run has a tick count an iteration, up to MAX_BATCH of them")
def iterations(board: Board) -> None:
    most = board.capabilities.max_batch
    with board.lease() as session:
        _loaded(session)
        for count in sorted({1, 2, most}):
            answer = session.run(count)
            _is("iterations", answer.iterations, count)
            _is("the number of tick counts", len(answer.ticks), count)
        if most < NO_INDEX:
            wanted = run_fields(most + 1)
            refused = session.is_refused(ErrorCode.TOO_MANY_ITERATIONS, MessageType.RUN, **wanted)
            _is("needed, available", (refused.needed, refused.available), (most + 1, most))


@check(AREA, "a run that means nothing is answered BAD_REQUEST")
def nonsense(board: Board) -> None:
    with board.lease() as session:
        _loaded(session)
        for fields in ({"iterations": 0}, {"flags": 0x82}, {"input_source": 2}):
            wanted = {**run_fields(1), **fields}
            session.is_refused(ErrorCode.BAD_REQUEST, MessageType.RUN, **wanted)


@check(AREA, "sent inputs give their outputs, and stay fresh where nothing overwrites them")
def sent(board: Board) -> None:
    data = bytes(i * 37 % 256 for i in range(_ELEMENTS))
    with board.lease() as session:
        _loaded(session)
        session.send_input(0, data)
        for _ in range(2):
            _checks_sums(session.run(input_source=_SENT), data, _OPS)
        # Drawn inputs take their place.
        session.run()
        stale = run_fields(1, input_source=_SENT)
        session.is_refused(ErrorCode.INPUT_STALE, MessageType.RUN, **stale)


@check(AREA, "an input that is not whole is stale, and a gap in it is not taken")
def incomplete(board: Board) -> None:
    stale = run_fields(1, input_source=_SENT)
    with board.lease() as session:
        _loaded(session)
        refused = session.is_refused(ErrorCode.INPUT_STALE, MessageType.RUN, **stale)
        _is("the index of the stale input", refused.index, 0)
        session.send_input(0, bytes(_ELEMENTS - 1))
        session.is_refused(ErrorCode.INPUT_STALE, MessageType.RUN, **stale)
        late = session.ask(MessageType.INPUT, index=0, offset=_ELEMENTS, data=b"")
        _is("next_offset after a gap", late.next_offset, _ELEMENTS - 1)
        last = session.ask(MessageType.INPUT, index=0, offset=_ELEMENTS - 1, data=b"z")
        _is("next_offset", last.next_offset, _ELEMENTS)
        session.run(input_source=_SENT)
        # Offset 0 begins anew.
        session.send_input(0, bytes(5))
        session.is_refused(ErrorCode.INPUT_STALE, MessageType.RUN, **stale)


@check(AREA, "inputs out of bounds are refused")
def out_of_bounds(board: Board) -> None:
    with board.lease() as session:
        _loaded(session)
        for index in (1, 255):
            refused = session.is_refused(
                ErrorCode.BAD_INDEX, MessageType.INPUT, index=index, data=b"x"
            )
            _is("the index", refused.index, index)
        session.is_refused(
            ErrorCode.BAD_RANGE, MessageType.INPUT, index=0, data=bytes(_ELEMENTS + 1)
        )


@check(AREA, "an input that a run overwrites is stale after it")
def overwritten(board: Board) -> None:
    stale = run_fields(1, input_source=_SENT)
    data = bytes(range(_ELEMENTS))
    with board.lease() as session:
        _loaded(session, in_place=True)
        session.send_input(0, data)
        if board.capabilities.max_batch > 1:
            twice = run_fields(2, input_source=_SENT)
            session.is_refused(ErrorCode.INPUT_STALE, MessageType.RUN, **twice)
        _checks_sums(session.run(input_source=_SENT), data, 1)
        session.is_refused(ErrorCode.INPUT_STALE, MessageType.RUN, **stale)
        # Drawn ones are drawn again before each iteration.
        answer = session.run(board.capabilities.max_batch, seed=9)
        _checks_sums(answer, draw_input(9, 0, _ELEMENTS), 1)
        _is("unstable_at", answer.unstable_at, NO_INDEX)


@check(AREA, "inputs do not outlive their session, the plan does")
def of_another(board: Board) -> None:
    with board.lease() as session:
        _loaded(session)
        session.send_input(0, bytes(_ELEMENTS))
    with board.lease() as other:
        stale = run_fields(1, input_source=_SENT)
        other.is_refused(ErrorCode.INPUT_STALE, MessageType.RUN, **stale)
        other.run()


@check(AREA, "a RUN that comes twice is answered again, not done twice")
def repeated(board: Board) -> None:
    with board.lease() as session:
        _loaded(session, in_place=True)
        session.send_input(0, bytes(_ELEMENTS))
        # Done twice it would find its input stale.
        request = session.request(MessageType.RUN, **run_fields(1, input_source=_SENT))
        first = session.exchange(request)
        _is("the second answer", session.exchange(request), first)
        session.ask(MessageType.PING)
        _is("the third answer", session.exchange(request), first)
        # So is one that was refused, even when it could be done by now.
        request = session.request(MessageType.RUN, **run_fields(1, input_source=_SENT))
        session.frame_is_refused(ErrorCode.INPUT_STALE, request)
        session.send_input(0, bytes(_ELEMENTS))
        session.frame_is_refused(ErrorCode.INPUT_STALE, request)


@check(AREA, "op_limit stops after that many ops, and ARENA shows what each wrote")
def op_limit(board: Board) -> None:
    with board.lease() as session:
        _loaded(session)
        data = draw_input(3, 0, _ELEMENTS)
        size = tensor_offset(_ELEMENTS, _OPS) + _ELEMENTS
        for limit in range(_OPS + 2):
            before = session.read(MessageType.ARENA, 0, size)
            session.run(seed=3, op_limit=limit)
            after = session.read(MessageType.ARENA, 0, size)
            for op in range(_OPS + 1):
                at = tensor_offset(_ELEMENTS, op)
                wanted = look_up(data, op) if op <= limit else before[at : at + _ELEMENTS]
                _is(f"tensor {op} after {limit} ops", after[at : at + _ELEMENTS], wanted)
            session.run(seed=4)


@check(AREA, "outputs and arena are read in parts, and not beyond their end")
def parts(board: Board) -> None:
    elements = min(3 * board.capabilities.max_payload_bytes, board.capabilities.pool_bytes // 8)
    with board.lease() as session:
        _loaded(session, elements=elements)
        session.run(seed=8)
        wanted = look_up(draw_input(8, 0, elements), _OPS)
        _is("the output", session.read(MessageType.OUTPUT, 0, elements, index=0), wanted)
        part = session.ask(MessageType.OUTPUT, index=0, offset=elements - 3, length=100)
        _is("the last three bytes", part.data, wanted[-3:])
        for offset in (elements, 5):
            empty = session.ask(MessageType.OUTPUT, index=0, offset=offset, length=0)
            _is("nothing", empty.data, b"")
        beyond = session.is_refused(
            ErrorCode.BAD_RANGE, MessageType.OUTPUT, index=0, offset=elements + 1
        )
        _is("needed, available", (beyond.needed, beyond.available), (elements + 1, elements))
        session.is_refused(ErrorCode.BAD_INDEX, MessageType.OUTPUT, index=1, length=1)
        session.is_refused(ErrorCode.BAD_RANGE, MessageType.ARENA, offset=0xFFFFFFFF, length=1)


@check(AREA, "a profile has the ticks of each op, and their sum is the run's")
def profile(board: Board) -> None:
    if Feature.PROFILE not in board.capabilities.features:
        raise Skipped("PROFILE is not in its features")
    with board.lease() as session:
        _loaded(session)
        answer = session.run(flags=RunFlag.PROFILE)
        ticks: list[int] = []
        while True:
            page = session.ask(MessageType.PROFILE, first_op=len(ticks))
            _is("op_count", page.op_count, _OPS)
            _is("first_op", page.first_op, len(ticks))
            ticks += page.ticks
            if len(ticks) >= _OPS:
                break
            expect(page.ticks, f"an empty page at op {len(ticks)}")
        _is("the number of ops", len(ticks), _OPS)
        # What the reading of the clock adds is taken off each and off the sum.
        slack = max(_OPS + 1, answer.ticks[-1] // 2)
        expect(
            abs(sum(ticks) - answer.ticks[-1]) <= slack,
            f"ops of {sum(ticks)} ticks in a run of {answer.ticks[-1]}",
        )
        session.is_refused(ErrorCode.BAD_INDEX, MessageType.PROFILE, first_op=_OPS + 1)


@check(AREA, "the arena's high-water mark reaches what the run wrote, and not beyond the arena")
def high_water(board: Board) -> None:
    if Feature.ARENA_HIGH_WATER not in board.capabilities.features:
        raise Skipped("ARENA_HIGH_WATER is not in its features")
    with board.lease() as session:
        # PLAN_END fills the arena with the pattern.
        _loaded(session)
        answer = session.run()
        end = tensor_offset(_ELEMENTS, _OPS) + _ELEMENTS
        expect(
            end - 4 <= answer.arena_high_water_bytes <= end + 16,
            f"{answer.arena_high_water_bytes} bytes, where the last output ends at {end}",
        )
