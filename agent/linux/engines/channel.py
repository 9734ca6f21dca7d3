"""Messages between the agent and a worker: a JSON object and bytes behind it.

No pickles: what comes from a worker comes from a process that ran a stranger's model.
"""

from __future__ import annotations

import json
import struct
from typing import Any, BinaryIO

HEAD = struct.Struct("<IQ")
"""Length of the object, then of the bytes."""
MAX_OBJECT_BYTES = 1 << 20
MAX_BODY_BYTES = 1 << 32

Message = tuple[dict[str, Any], bytes]


def encode(values: dict[str, Any], body: bytes = b"") -> bytes:
    text = json.dumps(values).encode()
    return HEAD.pack(len(text), len(body)) + text + body


def lengths(head: bytes) -> tuple[int, int]:
    """Of the object and the bytes. Raises ValueError for what is no message."""
    object_bytes, body_bytes = HEAD.unpack(head)
    if object_bytes > MAX_OBJECT_BYTES or body_bytes > MAX_BODY_BYTES:
        raise ValueError(f"a message of {object_bytes} + {body_bytes} bytes")
    return object_bytes, body_bytes


def receive(stream: BinaryIO) -> Message | None:
    """The next message; None at the end of the stream."""
    head = stream.read(HEAD.size)
    if len(head) < HEAD.size:
        return None
    object_bytes, body_bytes = lengths(head)
    return json.loads(stream.read(object_bytes)), stream.read(body_bytes)
