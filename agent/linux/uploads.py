"""Answers that models and bundles have in common."""

from __future__ import annotations

from protocol.messages import (
    MODEL_BEGIN_ANSWER,
    MODEL_CHUNK_REQUEST,
    MODEL_END_ANSWER,
)

_WINDOW_CHUNKS = 32
_CHUNK_HEAD_BYTES = len(MODEL_CHUNK_REQUEST.build({"offset": 0, "data": b""}))
_U32_MAX = 0xFFFFFFFF


def answer_begin(next_offset: int, max_payload_bytes: int) -> bytes:
    """To MODEL_BEGIN."""
    return bytes(
        MODEL_BEGIN_ANSWER.build(
            {
                "next_offset": next_offset,
                "chunk_bytes": max_payload_bytes - _CHUNK_HEAD_BYTES,
                "window": _WINDOW_CHUNKS,
            }
        )
    )


def answer_end(inputs: int, outputs: int, load_us: int) -> bytes:
    """To MODEL_END."""
    counts = {"input_count": inputs, "output_count": outputs, "load_us": min(load_us, _U32_MAX)}
    return bytes(MODEL_END_ANSWER.build(counts))
