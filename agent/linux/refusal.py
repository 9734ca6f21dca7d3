"""What an agent answers ERROR with."""

from __future__ import annotations

from protocol.errors import ErrorCode
from protocol.messages import MAX_ERROR_TEXT_BYTES, NO_INDEX

_U32_MAX = 0xFFFFFFFF


class Refusal(Exception):
    """A request is not done. ``index``, ``needed``, ``available``, ``text`` as the wire has them.

    Sizes that 32 bits do not hold are sent as the largest, and ``why`` on one line, cut to what
    ERROR holds.
    """

    def __init__(
        self,
        code: int,
        why: str = "",
        *,
        index: int = NO_INDEX,
        needed: int = 0,
        available: int = 0,
    ) -> None:
        super().__init__(f"{ErrorCode(code).name}: {why}" if why else ErrorCode(code).name)
        self.code = code
        self.index = index
        self.needed = min(needed, _U32_MAX)
        self.available = min(available, _U32_MAX)
        self.text = _cut(" ".join(why.split()).encode())


def _cut(text: bytes) -> bytes:
    """No longer than ERROR holds, and no part of a character at the end."""
    return text[:MAX_ERROR_TEXT_BYTES].decode(errors="ignore").encode()
