"""Sends a plan or a model: go-back-N with as many chunks in flight as the board's window allows."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable

import attrs

from host.session.deadline import Deadline
from host.session.exchange import Exchange, answer_to
from protocol.messages import MessageType

ProgressObserver = Callable[[int, int], None]
"""Called with what is done and what there is to do."""

_SILENCE_S = 10.0
"""An upload may take its time, but not without an answer for this long."""


@attrs.frozen
class _Chunk:
    offset: int
    round: int
    """How often the sender had gone back when it sent this."""
    sent_at: float
    again: bool


def send_chunks(
    exchange: Exchange,
    data: bytes,
    *,
    start: int,
    window: int,
    chunk_bytes: int,
    patience: float,
    kind: MessageType = MessageType.PLAN_CHUNK,
    observer: ProgressObserver | None = None,
) -> None:
    """Sends ``data`` from ``start`` on, until the board has all of it.

    The board takes chunks in order and answers each with the offset it expects next. A
    chunk that it did not expect says that one before was lost: the sender goes back to
    where the board stands, once a loss, for the rest of the window will say the same.

    Args:
        patience: factor on how long the board may be silent (an emulator is slow).
        kind: PLAN_CHUNK or MODEL_CHUNK.

    Raises:
        BoardError: the board refused a chunk.
        DeadlineExceeded: the board fell silent.
        LinkError: the link failed.
    """
    confirmed = following = furthest = start
    rounds = 0
    timeouts = 0
    in_flight: OrderedDict[int, _Chunk] = OrderedDict()
    silence = Deadline(_SILENCE_S * patience)
    while confirmed < len(data):
        while following < len(data) and len(in_flight) < window:
            piece = data[following : following + chunk_bytes]
            again = following < furthest
            exchange.traffic.retransmits += again
            sequence = exchange.post(kind, {"offset": following, "data": piece}, silence)
            in_flight[sequence] = _Chunk(following, rounds, time.monotonic(), again)
            following += len(piece)
            furthest = max(furthest, following)

        wait_s = exchange.round_trip.timeout_s(timeouts + 1)
        frame = exchange.poll(min(wait_s, silence.remaining_s))
        if frame is None:
            if silence.expired:
                raise exchange.silence(f"the bytes from {confirmed:,} on", silence.elapsed_s)
            timeouts += 1
            in_flight.clear()
            following = confirmed
            rounds += 1
            continue
        if frame.sequence not in in_flight:
            continue
        answer = answer_to(kind, frame)
        timeouts = 0
        silence = Deadline(_SILENCE_S * patience)
        chunk = in_flight[frame.sequence]
        # The link keeps the order, so whatever was sent before this has arrived or is lost.
        while in_flight and in_flight.popitem(last=False)[0] != frame.sequence:
            pass
        if not chunk.again:
            exchange.round_trip.observe(time.monotonic() - chunk.sent_at)
        confirmed = max(confirmed, answer.next_offset)
        following = max(following, confirmed)
        if answer.next_offset <= chunk.offset and chunk.round == rounds:
            following = answer.next_offset
            rounds += 1
            exchange.traffic.lost += 1
        if observer is not None:
            observer(confirmed, len(data))
