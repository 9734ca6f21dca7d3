"""Puts a whole model on a board that has engines for it, and asks what it says of its run."""

from __future__ import annotations

import hashlib
import time

import attrs

from host.errors import BoardError
from host.session.connection import ANSWER_S
from host.session.session import Session
from host.session.upload import ProgressObserver
from protocol.messages import MAX_MODEL_NAME_BYTES, Engine, MessageType, ModelFormat
from protocol.report import Report

_LOAD_S = 10.0
_ALIVE_S = 5.0
"""A board that loads a model says each second that it still does."""


@attrs.frozen
class LoadedModel:
    """What the board said of a model that its engine loaded, and how long the upload took."""

    input_count: int
    output_count: int
    load_s: float
    upload_s: float
    bytes_skipped: int
    """Bytes the board had already: all of them when nothing was sent."""


def upload_model(
    session: Session,
    model: bytes,
    *,
    name: str,
    model_format: ModelFormat,
    engine: Engine,
    threads: int = 0,
    observer: ProgressObserver | None = None,
) -> LoadedModel:
    """Sends what the board lacks of ``model`` and has ``engine`` load it.

    Args:
        name: a label; what the wire does not allow in one is left out.
        threads: 0 leaves it to the board.

    Raises:
        BoardError, DeadlineExceeded, LinkError: as a Session's.
    """
    started = time.monotonic()
    begin = session.call(
        MessageType.MODEL_BEGIN,
        {
            "size_bytes": len(model),
            "sha256": hashlib.sha256(model).digest(),
            "format": model_format,
            "engine": engine,
            "threads": threads,
            "name": _label(name),
        },
        "the start of the upload",
        limit_s=ANSWER_S,
        stage="upload",
    )
    session.send_chunks(model, begin, MessageType.MODEL_CHUNK, observer)
    end = session.call(
        MessageType.MODEL_END,
        {},
        "the model to be loaded",
        limit_s=_LOAD_S,
        retry_s=_ALIVE_S,
        alive_s=_ALIVE_S,
        stage="upload",
    )
    return LoadedModel(
        input_count=end.input_count,
        output_count=end.output_count,
        load_s=end.load_us / 1e6,
        upload_s=time.monotonic() - started,
        bytes_skipped=begin.next_offset,
    )


def read_report(session: Session) -> Report:
    """What the board says of the model it runs: memory, engine, the machine's state."""
    data = bytearray()
    while True:
        page = session.call(MessageType.REPORT, {"offset": len(data)}, "the report", stage="run")
        if page.offset != len(data) or (not page.data and len(data) < page.total_bytes):
            raise BoardError("the board's report is malformed")
        data += page.data
        if len(data) >= page.total_bytes:
            return Report.from_bytes(bytes(data))


def _label(name: str) -> bytes:
    """``name`` without what MODEL_BEGIN refuses, cut to what fits."""
    plain = "".join(c for c in name if c.isprintable() and c not in "/\\").strip(".")
    while len(plain.encode()) > MAX_MODEL_NAME_BYTES:
        plain = plain[:-1]
    return plain.encode() or b"model"
