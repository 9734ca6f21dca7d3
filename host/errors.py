"""The exceptions a user can meet, one exit code a branch.

Whatever is raised outside this tree is a bug. A message names the owner of the
failure (the model, the board, the cable, a configuration file) and says what to
do next in one paragraph.
"""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """What a command returns to its shell."""

    DONE = 0
    BUG = 1
    CONFIG = 2
    NOT_MET = 3
    """No board meets the requirements, or a measured board missed its budget."""
    MODEL = 4
    BOARD_OR_LINK = 5
    DEADLINE = 6
    MISMATCH = 7
    """Output differs from the expected one, or from run to run."""
    REGRESSION = 8


class JumpstationError(Exception):
    """A failure that is not a bug: it has an owner and an exit code.

    ``hint`` says what to do next, where the message does not already.
    """

    exit_code: ExitCode = ExitCode.BUG

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class ConfigError(JumpstationError):
    """Wrong usage or configuration: names the file, the field and the reason."""

    exit_code = ExitCode.CONFIG


class ModelError(JumpstationError):
    """The user's model cannot be read or compiled: names the op and the tensor."""

    exit_code = ExitCode.MODEL


class NotMetError(JumpstationError):
    """Nothing meets what was asked: names what comes closest and each violation."""

    exit_code = ExitCode.NOT_MET


class MismatchError(JumpstationError):
    """A board's output is not what it must be."""

    exit_code = ExitCode.MISMATCH


class BoardError(JumpstationError):
    """What the agent on a board reported.

    ``code`` is the wire's error code (0 where the host noticed it), ``needed`` and
    ``available`` are bytes where the code has them.
    """

    exit_code = ExitCode.BOARD_OR_LINK

    def __init__(
        self,
        message: str,
        *,
        code: int = 0,
        needed: int | None = None,
        available: int | None = None,
        hint: str = "",
    ) -> None:
        super().__init__(message, hint=hint)
        self.code = code
        self.needed = needed
        self.available = available


class BoardReset(BoardError):
    """The board started anew in the middle of a session."""


class WrongBoard(BoardError):
    """Another board answers than was asked for."""


class LinkError(JumpstationError):
    """The cable, port, broker or emulator between host and board failed."""

    exit_code = ExitCode.BOARD_OR_LINK


class LinkTaken(LinkError):
    """Another program has the port."""


class ProgrammingError(LinkError):
    """The board's flash could not be written, for whatever reason its programmer gave."""


class DeadlineExceeded(JumpstationError):  # a deadline is what it is
    """Nothing came in time: ``awaited`` says what for, ``waited_s`` how long.

    ``frames_lost`` is how many frames a session saw damaged or lost before; None where what was
    waited for was no board on a link.
    """

    exit_code = ExitCode.DEADLINE

    def __init__(
        self,
        message: str,
        *,
        awaited: str = "",
        waited_s: float | None = None,
        frames_lost: int | None = None,
        hint: str = "",
    ) -> None:
        super().__init__(message, hint=hint)
        self.awaited = awaited
        self.waited_s = waited_s
        self.frames_lost = frames_lost
