"""RESET: last, because it takes lease, plan and perhaps the link along."""

from __future__ import annotations

import time

from hil.conformance.board import Board
from hil.conformance.check import check
from hil.conformance.verdict import Failed, Skipped, expect
from host.errors import LinkError
from protocol.capabilities import Feature
from protocol.errors import ErrorCode
from protocol.messages import MessageType, ResetCause

AREA = "resets"
_BOOT_S = 30.0
"""How long a board may take to come back, USB included."""
_RETRY_S = 0.5


def _await_boot(board: Board) -> None:
    """Until HELLO is answered again."""
    ends = time.monotonic() + _BOOT_S
    while True:
        try:
            session = board.session()
            request = session.request(
                MessageType.HELLO, protocol_min=1, protocol_max=1, session=session.number
            )
            board.send(request.to_wire())
            while board.receive(deadline_s=2 * _RETRY_S).sequence != request.sequence:
                pass
        except (Failed, LinkError):
            if time.monotonic() > ends:
                raise Failed(f"no answer to HELLO within {_BOOT_S:g} s of RESET") from None
            time.sleep(_RETRY_S)
            _reopen(board, ends)
        else:
            board.forget()
            return


def _reopen(board: Board, ends: float) -> None:
    while True:
        try:
            board.reopen()
        except LinkError:
            if time.monotonic() > ends:
                raise
            time.sleep(_RETRY_S)
        else:
            return


@check(AREA, "a reset forgets the lease, counts a boot and tells its cause")
def reset(board: Board) -> None:
    if Feature.RESET not in board.capabilities.features:
        raise Skipped("RESET is not in its features")
    with board.lease() as session:
        before = session.hello().boot_count
        session.ask(MessageType.RESET)
        _await_boot(board)
        answer = session.is_refused(ErrorCode.NO_SESSION, MessageType.PLAN_END)
        expect(answer.boot_count == before + 1, f"boot {answer.boot_count} after boot {before}")
        hello = session.hello()
        expect(hello.boot_count == before + 1, f"HELLO tells boot {hello.boot_count}")
        expect(hello.reset_cause == ResetCause.SOFTWARE, f"reset cause {hello.reset_cause}")
        expect(hello.lease_left_ms == 0, "a lease outlived the reset")
        session.take()


@check(AREA, "after a reset there is no upload, and no plan")
def nothing_left(board: Board) -> None:
    if Feature.RESET not in board.capabilities.features:
        raise Skipped("RESET is not in its features")
    with board.lease() as session:
        session.ask(MessageType.RESET)
        _await_boot(board)
        session.take()
        session.is_refused(ErrorCode.NO_UPLOAD, MessageType.PLAN_CHUNK, data=b"x")
        session.is_refused(ErrorCode.NO_UPLOAD, MessageType.PLAN_END)
        session.is_refused(ErrorCode.NO_PLAN, MessageType.RUN, iterations=1)
