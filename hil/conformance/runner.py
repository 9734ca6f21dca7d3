"""Runs the checks, one after the other."""

from __future__ import annotations

import enum
import time
from collections.abc import Callable, Iterator

import attrs

from hil.conformance import framing, handshake, leases, resets, runs, uploads
from hil.conformance.board import Board, Refused
from hil.conformance.check import CHECKS, Check
from hil.conformance.verdict import Failed, Skipped
from host.links.base import Link

_AREAS = tuple(m.AREA for m in (framing, handshake, leases, uploads, runs, resets))
"""In this order: what the later ones rest on comes first, and RESET last."""


class Verdict(enum.Enum):
    PASSED = "ok"
    FAILED = "FAILED"
    SKIPPED = "skipped"


@attrs.frozen
class Result:
    check: Check
    verdict: Verdict
    reason: str
    """Of a failure or a skip."""
    seconds: float


def run_checks(
    open_link: Callable[[], Link], *, deadline_s: float = 10.0, only: str = ""
) -> Iterator[Result]:
    """Tries every check whose area or sentence contains ``only`` on the agent behind the link.

    Raises LinkError when the link cannot be opened or breaks.
    """
    board = Board(open_link, deadline_s)
    try:
        for check in sorted(CHECKS, key=lambda check: _AREAS.index(check.area)):
            if only in check.area or only in check.sentence:
                yield _try(check, board)
    finally:
        board.link.close()


def _try(check: Check, board: Board) -> Result:
    started = time.monotonic()
    verdict, reason = Verdict.PASSED, ""
    try:
        check.run(board)
    except Skipped as skipped:
        verdict, reason = Verdict.SKIPPED, str(skipped)
    except Failed as failed:
        verdict, reason = Verdict.FAILED, str(failed)
    except Refused as refused:
        verdict, reason = Verdict.FAILED, f"refused with {refused}"
    if verdict is Verdict.FAILED:
        board.drain()
    return Result(check, verdict, reason, time.monotonic() - started)
