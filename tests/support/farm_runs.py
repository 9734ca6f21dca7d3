"""Runs on boards that fail, for the tests of what is reported of them."""

from __future__ import annotations

from collections import Counter, defaultdict

from hil.run import (
    Candidate,
    FaultKind,
    Limits,
    Owner,
    RunObserver,
    RunResult,
    Settings,
    Status,
    plan_jobs,
    run_jobs,
)
from host.evidence import History
from protocol.errors import ErrorCode
from protocol.messages import MessageType
from tests.support.faulty_boards import (
    Behave,
    Behaviour,
    CutInUpload,
    FaultyRack,
    Garbles,
    HangsInRun,
    Loses,
    Malformed,
    Mute,
    Refuses,
    ResetsInRun,
    RunSays,
)
from tests.support.make import ROOT

MODEL = ROOT / "examples" / "digits_mlp_int8.tflite"
QUICK = Settings(iterations=2, warmup=0)
LIMITS = Limits(attempts=2, retry_delay_s=0.05, busy_wait_s=0.3, job_deadline_s=60.0)
_HOLDER = b"somebody@else".ljust(16, b"\0")


def busy() -> Behaviour:
    return Refuses(MessageType.LEASE, ErrorCode.BUSY, {"lease_left_ms": 60_000, "holder": _HOLDER})


WAYS: dict[str, tuple[Behave | None, Status, Owner, FaultKind]] = {
    "unplugged": (None, Status.FAILED, Owner.LINK, FaultKind.GONE),
    "cut": (CutInUpload, Status.FAILED, Owner.LINK, FaultKind.GONE),
    "garbled": (Garbles, Status.FAILED, Owner.LINK, FaultKind.NOISY),
    "lossy": (Loses, Status.FAILED, Owner.LINK, FaultKind.NOISY),
    "mute": (Mute, Status.FAILED, Owner.BOARD, FaultKind.SILENT),
    "hangs": (HangsInRun, Status.FAILED, Owner.BOARD, FaultKind.SILENT),
    "resets": (ResetsInRun, Status.FAILED, Owner.BOARD, FaultKind.RESET),
    "malformed": (Malformed, Status.FAILED, Owner.BOARD, FaultKind.MISBEHAVED),
    "bad memory": (
        lambda: Refuses(MessageType.PLAN_END, ErrorCode.UPLOAD_CHECKSUM),
        Status.FAILED,
        Owner.BOARD,
        FaultKind.MISBEHAVED,
    ),
    "unstable": (
        lambda: RunSays({"unstable_at": lambda _: 0}),
        Status.WRONG,
        Owner.BOARD,
        FaultKind.NONDETERMINISTIC,
    ),
    "wrong output": (
        lambda: RunSays({"output_crc32": lambda crc: crc ^ 1}),
        Status.WRONG,
        Owner.MODEL,
        FaultKind.MISMATCH,
    ),
    "does not fit": (
        lambda: Refuses(
            MessageType.PLAN_END, ErrorCode.ARENA_TOO_SMALL, {"needed": 9000, "available": 1000}
        ),
        Status.UNFIT,
        Owner.MODEL,
        FaultKind.DOES_NOT_FIT,
    ),
    "busy": (busy, Status.FAILED, Owner.INFRASTRUCTURE, FaultKind.BUSY),
}
"""How a board behaves, and what must be reported of it."""


def run_on(
    rack: FaultyRack,
    candidate: Candidate,
    history: History,
    sessions: int,
    *,
    limits: Limits = LIMITS,
    observer: RunObserver | None = None,
) -> RunResult:
    jobs = plan_jobs([candidate], rack.farm_boards, sessions=sessions, settings=QUICK)
    return run_jobs(jobs, rack.farm_boards, history, limits=limits, observer=observer)


def by_board(result: RunResult) -> dict[str, Counter[Status]]:
    found: dict[str, Counter[Status]] = defaultdict(Counter)
    for outcome in result.outcomes:
        found[outcome.job.board][outcome.status] += 1
    return dict(found)
