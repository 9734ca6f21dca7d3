"""What a board's ERROR answer means, in words."""

from __future__ import annotations

from typing import Any

from host.errors import BoardError
from protocol.errors import DESCRIPTIONS, ErrorCode
from protocol.messages import MAX_ERROR_TEXT_BYTES, NO_INDEX, MessageType, ResetCause, holder_name

_HINTS = {
    ErrorCode.NO_SESSION: "run the command again",
    ErrorCode.UNSUPPORTED_VERSION: "flash the firmware that belongs to this version of the host",
    ErrorCode.STORE_TOO_SMALL: "use a smaller model, or the other plan store (--plan-store)",
    ErrorCode.ARENA_TOO_SMALL: "use a smaller model, or --plan-store flash where RAM holds both",
    ErrorCode.STORE_FAULT: "try again; if it stays, the board's flash is worn out or protected",
    ErrorCode.STORE_READ_ONLY: "flash the firmware with the plan: `host measure` does, given the "
    "board's --port",
    ErrorCode.ARENA_OVERRUN: "a kernel wrote outside the arena: this is a bug in the firmware",
    ErrorCode.MODEL_TOO_LARGE: "use a smaller model, or give the agent more room (--model-bytes)",
    ErrorCode.MODEL_HASH: "try again; if it stays, the board's disk or memory is faulty",
    ErrorCode.MODEL_REFUSED: "convert the model to what that engine reads, or name another engine "
    "(--engine)",
    ErrorCode.ENGINE_FAILED: "another engine (--engine) may do better; the agent's log has more",
    ErrorCode.BUNDLE_ONLY: "`host bundle build` makes one, `host bundle install` sends it",
    ErrorCode.BUNDLE_SIGNATURE: "start the agent with --trust and the public key of its signer",
    ErrorCode.UPLOAD_CHECKSUM: "try again; if it stays, the board's memory is faulty",
}


def _name(code: int) -> str:
    try:
        return ErrorCode(code).name
    except ValueError:
        return f"error {code}"


def _describe(code: int) -> str:
    try:
        return DESCRIPTIONS[ErrorCode(code)]
    except ValueError:
        return "a code this version of the host does not know"


def reset_cause_name(cause: int) -> str:
    """The field's word for why a board last started: ``power-on``, ``watchdog``."""
    try:
        return ResetCause(cause).name.lower().replace("_", "-")
    except ValueError:
        return f"cause {cause}"


def busy(holder: str, left_s: float) -> BoardError:
    """The board is ``holder``'s, for ``left_s`` seconds unless that asks for more."""
    return BoardError(
        f"the board is in use by {holder}: its lease has {left_s:.0f} s left",
        code=ErrorCode.BUSY,
        hint=f"wait for {holder} to finish, or {left_s:.0f} s after its last request",
    )


def _printable(raw: bytes) -> str:
    """A stranger's text as a terminal may show it: one line, no control characters."""
    text = raw[:MAX_ERROR_TEXT_BYTES].decode("utf-8", "replace")
    return "".join(c if c.isprintable() else " " for c in text).strip()


def board_error(answer: Any) -> BoardError:
    """Makes the exception for a parsed ERROR answer."""
    code = int(answer.code)
    if code == ErrorCode.BUSY:
        return busy(holder_name(bytes(answer.holder)), answer.lease_left_ms / 1000)
    try:
        request = MessageType(answer.request_type).name
    except ValueError:
        request = f"message 0x{answer.request_type:02x}"
    text = f"the board refused {request}: {_describe(code)} ({_name(code)}"
    if answer.index != NO_INDEX:
        text += f", index {answer.index}"
    text += ")"
    sized = bool(answer.needed or answer.available)
    if sized:
        text += f": needs {answer.needed:,} bytes, has {answer.available:,}"
    said = _printable(bytes(answer.text))
    if said:
        text += f": {said}"
    return BoardError(
        text,
        code=code,
        needed=int(answer.needed) if sized else None,
        available=int(answer.available) if sized else None,
        hint=_HINTS.get(ErrorCode(code), "") if code in set(ErrorCode) else "",
    )
