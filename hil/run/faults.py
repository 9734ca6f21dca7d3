"""Whose fault it is when a job fails, and what is done about it (docs/decisions/0018)."""

from __future__ import annotations

from enum import StrEnum

import attrs

from host.errors import (
    BoardError,
    BoardReset,
    ConfigError,
    DeadlineExceeded,
    JumpstationError,
    LinkError,
    LinkTaken,
    ModelError,
    ProgrammingError,
    WrongBoard,
)
from protocol.errors import ErrorCode
from protocol.measurement import Output, Verdict

_NOISY_FRAMES = 2
"""Frames lost or damaged that make a silence the line's; one may be what a boot loader says. A
session that waits no longer than for two repetitions hears no third."""


class Owner(StrEnum):
    """Who has to look at it."""

    MODEL = "model"
    """The model, its plan, and the kernels that run it."""
    BOARD = "board"
    LINK = "link"
    """Cable, port, socket, broker."""
    INFRASTRUCTURE = "infrastructure"
    """The rack's machine, its configuration, and others who use the same boards."""


class FaultKind(StrEnum):
    """What went wrong."""

    NOT_SUPPORTED = "not-supported"
    DOES_NOT_FIT = "does-not-fit"
    MISMATCH = "mismatch"
    ARENA_OVERRUN = "arena-overrun"
    ENGINE_FAILED = "engine-failed"
    NONDETERMINISTIC = "nondeterministic"
    RESET = "reset"
    SILENT = "silent"
    MISBEHAVED = "misbehaved"
    PROGRAMMING = "programming"
    TOO_SLOW = "too-slow"
    GONE = "gone"
    NOISY = "noisy"
    BUSY = "busy"
    EMULATOR = "emulator"
    WRONG_BOARD = "wrong-board"
    CONFIGURATION = "configuration"
    BUG = "bug"


@attrs.frozen(kw_only=True)
class _Policy:
    """``again``: another try may well succeed. ``power_cycle``: what the board needs after it.

    ``wears_out``: so many in a row say that the board is no use to this run.
    """

    owner: Owner
    again: bool = False
    power_cycle: bool = False
    wears_out: bool = False


_MODEL = _Policy(owner=Owner.MODEL)
_BOARD = _Policy(owner=Owner.BOARD, again=True, power_cycle=True, wears_out=True)

_POLICIES = {
    FaultKind.NOT_SUPPORTED: _MODEL,
    FaultKind.DOES_NOT_FIT: _MODEL,
    FaultKind.MISMATCH: _MODEL,
    FaultKind.ARENA_OVERRUN: _MODEL,
    FaultKind.ENGINE_FAILED: _MODEL,
    # The record is the evidence; another try that happens to agree would bury it.
    FaultKind.NONDETERMINISTIC: _Policy(owner=Owner.BOARD, wears_out=True),
    FaultKind.RESET: _BOARD,
    FaultKind.SILENT: _BOARD,
    FaultKind.MISBEHAVED: _BOARD,
    FaultKind.PROGRAMMING: _BOARD,
    # Another try would take as long.
    FaultKind.TOO_SLOW: _Policy(owner=Owner.BOARD, power_cycle=True, wears_out=True),
    # Power takes a USB device off the bus and puts it back.
    FaultKind.GONE: _Policy(owner=Owner.LINK, again=True, power_cycle=True, wears_out=True),
    FaultKind.NOISY: _Policy(owner=Owner.LINK, again=True, wears_out=True),
    # Somebody else is at work on it: its power is theirs.
    FaultKind.BUSY: _Policy(owner=Owner.INFRASTRUCTURE),
    FaultKind.EMULATOR: _Policy(owner=Owner.INFRASTRUCTURE, again=True),
    FaultKind.WRONG_BOARD: _Policy(owner=Owner.INFRASTRUCTURE),
    FaultKind.CONFIGURATION: _Policy(owner=Owner.INFRASTRUCTURE),
    FaultKind.BUG: _Policy(owner=Owner.INFRASTRUCTURE),
}

_CODES: dict[int, FaultKind] = {
    ErrorCode.BUSY: FaultKind.BUSY,
    ErrorCode.STORE_TOO_SMALL: FaultKind.DOES_NOT_FIT,
    ErrorCode.ARENA_TOO_SMALL: FaultKind.DOES_NOT_FIT,
    ErrorCode.MODEL_TOO_LARGE: FaultKind.DOES_NOT_FIT,
    ErrorCode.BAD_STORE: FaultKind.DOES_NOT_FIT,
    ErrorCode.ARENA_OVERRUN: FaultKind.ARENA_OVERRUN,
    ErrorCode.UNSUPPORTED: FaultKind.NOT_SUPPORTED,
    ErrorCode.MODEL_NAME: FaultKind.NOT_SUPPORTED,
    ErrorCode.MODEL_REFUSED: FaultKind.NOT_SUPPORTED,
    ErrorCode.ENGINE_FAILED: FaultKind.ENGINE_FAILED,
    ErrorCode.UNSUPPORTED_VERSION: FaultKind.CONFIGURATION,
    # The bytes arrived whole, else it were UPLOAD_CHECKSUM: what they say is the compiler's.
    **{
        code: FaultKind.NOT_SUPPORTED
        for code in ErrorCode
        if code.name.startswith("PLAN_") and code is not ErrorCode.PLAN_CHECKSUM
    },
    ErrorCode.PLAN_VERSION: FaultKind.CONFIGURATION,
}
"""Every other code is a board that does not do as the protocol says."""


@attrs.frozen(kw_only=True)
class Fault:
    """One failure of one try."""

    kind: FaultKind
    text: str
    hint: str = ""

    @property
    def owner(self) -> Owner:
        return _POLICIES[self.kind].owner

    @property
    def again(self) -> bool:
        """Whether another try makes sense."""
        return _POLICIES[self.kind].again

    @property
    def wants_power_cycle(self) -> bool:
        """Whether the board should start anew before it is asked for anything else."""
        return _POLICIES[self.kind].power_cycle

    @property
    def wears_out(self) -> bool:
        """Whether it counts towards the board's quarantine."""
        return _POLICIES[self.kind].wears_out

    def __str__(self) -> str:
        return f"{self.owner}: {self.kind}: {self.text}"


def fault_of(error: Exception, *, emulated: bool) -> Fault:
    """The fault behind whatever a measurement raised; what no user can meet is a bug.

    Args:
        emulated: the board is a program that the job itself started.
    """
    if not isinstance(error, JumpstationError):
        return Fault(kind=FaultKind.BUG, text=f"this is a bug: {type(error).__name__}: {error}")
    return Fault(kind=_kind_of(error, emulated), text=str(error), hint=error.hint)


def _kind_of(error: JumpstationError, emulated: bool) -> FaultKind:
    match error:
        case ModelError():
            return FaultKind.NOT_SUPPORTED
        case WrongBoard():
            return FaultKind.WRONG_BOARD
        case BoardReset():
            return FaultKind.RESET
        case BoardError():
            return _CODES.get(error.code) or _other(error)
        case ProgrammingError():
            return FaultKind.PROGRAMMING
        case LinkTaken():
            return FaultKind.BUSY
        case LinkError():
            return FaultKind.EMULATOR if emulated else FaultKind.GONE
        case DeadlineExceeded():
            return _silence(error, emulated)
        case ConfigError():
            return FaultKind.CONFIGURATION
    return FaultKind.BUG


def _other(error: BoardError) -> FaultKind:
    """What has no code of its own: with sizes, the host found that the model does not fit."""
    return FaultKind.DOES_NOT_FIT if error.needed is not None else FaultKind.MISBEHAVED


def _silence(error: DeadlineExceeded, emulated: bool) -> FaultKind:
    """A board that fell silent, or a line that swallowed what it said."""
    if error.frames_lost is None:  # no session waited: a program of this machine did not end
        return FaultKind.EMULATOR if emulated else FaultKind.CONFIGURATION
    return FaultKind.NOISY if error.frames_lost >= _NOISY_FRAMES else FaultKind.SILENT


def fault_in(output: Output) -> Fault | None:
    """What is wrong with an output that was measured."""
    if output.verdict == Verdict.MISMATCH:
        return Fault(
            kind=FaultKind.MISMATCH,
            text=f"the output's CRC-32 is {_crc(output.crc32)}, "
            f"expected {_crc(output.expected_crc32)}",
            hint="`host golden replay` finds the first op that differs",
        )
    if output.verdict == Verdict.NONDETERMINISTIC:
        return Fault(
            kind=FaultKind.NONDETERMINISTIC,
            text=f"the same input gave another output in iteration {output.unstable_at}",
            hint="check the board's supply and memory; where equal boards do the same, the kernels",
        )
    return None


def _crc(value: int | None) -> str:
    return "unknown" if value is None else f"0x{value:08x}"
