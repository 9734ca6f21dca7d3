"""Lists that come in pages, as CAPABILITIES and REPORT answer."""

from __future__ import annotations

from construct import Struct

from agent.linux.refusal import Refusal
from protocol.errors import ErrorCode

_PAGE_BYTES = 96


def page(answer: Struct, data: bytes, offset: int) -> bytes:
    """The payload of an answer with the page at ``offset``. Raises Refusal."""
    if offset > len(data):
        raise Refusal(ErrorCode.BAD_RANGE)
    part = data[offset : offset + _PAGE_BYTES]
    return bytes(answer.build({"total_bytes": len(data), "offset": offset, "data": part}))
