"""What an ERROR answer says to a person."""

from __future__ import annotations

from typing import Any

from host.session.refusals import board_error
from protocol.errors import ErrorCode
from protocol.messages import ERROR_ANSWER, HOLDER_BYTES, NO_INDEX, MessageType


def error(code: ErrorCode, text: bytes = b"", **fields: int) -> Any:
    defaults = {"index": NO_INDEX, "needed": 0, "available": 0, "boot_count": 1, "lease_left_ms": 0}
    payload = ERROR_ANSWER.build(
        {
            "request_type": MessageType.MODEL_END,
            "code": code,
            "holder": bytes(HOLDER_BYTES),
            **defaults,
            **fields,
            "text": text,
        }
    )
    return ERROR_ANSWER.parse(payload)


def test_the_boards_own_words_come_last() -> None:
    refused = board_error(error(ErrorCode.MODEL_REFUSED, "onnxruntime: no op Größe".encode()))
    assert str(refused) == (
        "the board refused MODEL_END: the engine does not load the model (MODEL_REFUSED): "
        "onnxruntime: no op Größe"
    )
    assert "--engine" in refused.hint


def test_a_board_that_says_no_more() -> None:
    refused = board_error(error(ErrorCode.ARENA_TOO_SMALL, needed=2000, available=1000))
    assert str(refused).endswith("(ARENA_TOO_SMALL): needs 2,000 bytes, has 1,000")


def test_a_strangers_text_controls_no_terminal() -> None:
    hostile = b"\x1b[2J\x1b]0;title\x07\r\nroot#\0 \xff" + b"x" * 10_000
    said = str(board_error(error(ErrorCode.ENGINE_FAILED, hostile)))
    assert said.isprintable()
    assert "root#" in said
    assert len(said) < 700
