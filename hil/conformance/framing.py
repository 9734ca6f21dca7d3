"""Frames: what is taken, what is dropped, and that the next delimiter starts afresh."""

from __future__ import annotations

import zlib

from hil.conformance.board import Board, Session
from hil.conformance.check import check
from hil.conformance.verdict import Skipped, expect
from protocol.framing import CRC_BYTES, Frame, cobs_encode
from protocol.messages import ANSWER_BIT, HELLO_ANSWER, HELLO_REQUEST, MessageType

AREA = "frames"


def _ping(session: Session) -> Frame:
    return session.request(MessageType.PING)


def _is_dropped(board: Board, noise: bytes) -> None:
    """``noise`` is not answered; the PING behind it is."""
    session = board.session()
    request = _ping(session)
    board.send(noise + request.to_wire())
    session.answer_to(request)


@check(AREA, "an answer has its request's type with bit 7, its session and sequence")
def answers_name_their_request(board: Board) -> None:
    for sequence in (0, 1, 0x7FFF, 0xFFFF):
        session = board.session()
        session.sequence = (sequence - 1) & 0xFFFF
        session.ask(MessageType.PING)


@check(AREA, "noise before a frame is dropped, and so are empty stretches")
def noise(board: Board) -> None:
    board.needs_stream()
    for stretch in (b"\0\0\0", b"\x05\x01\x02", b"\xff" * 300, b"\x01" * 40, bytes(range(1, 200))):
        _is_dropped(board, stretch)


@check(AREA, "a stretch that is longer than the largest frame is dropped")
def too_long(board: Board) -> None:
    board.needs_stream()
    most = board.capabilities.max_payload_bytes
    session = board.session()
    _is_dropped(board, session.frame(MessageType.HELLO, bytes(most + 1)).to_wire())
    _is_dropped(board, b"\x02\x55" * (most + 100))


@check(AREA, "a frame of the largest payload is taken")
def largest(board: Board) -> None:
    session = board.session()
    hello = HELLO_REQUEST.build({"protocol_min": 1, "protocol_max": 1, "session": session.number})
    payload = hello.ljust(board.capabilities.max_payload_bytes, b"\x2a")
    answer = session.exchange(session.frame(MessageType.HELLO, payload))
    expect(answer.session == session.number, "HELLO with more behind it was read wrong")


@check(AREA, "a frame with a wrong CRC is dropped")
def wrong_crc(board: Board) -> None:
    board.needs_stream()
    request = _ping(board.session()).to_bytes()
    for position in range(len(request)):
        damaged = bytearray(request)
        damaged[position] ^= 0x10
        _is_dropped(board, b"\0" + cobs_encode(bytes(damaged)) + b"\0")


@check(AREA, "a frame with another length or version is dropped")
def wrong_header(board: Board) -> None:
    board.needs_stream()
    session = board.session()
    body = session.request(MessageType.HELLO).to_bytes()[:-CRC_BYTES]
    for position, value in ((0, 2), (0, 0), (8, 7), (9, 1)):
        damaged = body[:position] + bytes([value]) + body[position + 1 :]
        damaged += zlib.crc32(damaged).to_bytes(CRC_BYTES, "little")
        _is_dropped(board, b"\0" + cobs_encode(damaged) + b"\0")


@check(AREA, "a frame cut short ends at the delimiter before the next")
def cut_short(board: Board) -> None:
    board.needs_stream()
    wire = _ping(board.session()).to_wire()
    for count in range(1, len(wire) - 1):
        _is_dropped(board, wire[:count])


@check(AREA, "a frame may come byte by byte")
def byte_by_byte(board: Board) -> None:
    board.needs_stream()
    session = board.session()
    request = _ping(session)
    for byte in request.to_wire():
        board.send(bytes([byte]))
    session.answer_to(request)


@check(AREA, "frames that come together are answered in order, delimiters shared or not")
def together(board: Board) -> None:
    board.needs_stream()
    # A host sends no more at once than the window of a store allows.
    window = min(8, max((store.window for store in board.capabilities.stores), default=1))
    if window == 1:
        raise Skipped("its upload window is 1")
    session = board.session()
    requests = [_ping(session) for _ in range(window)]
    board.send(b"".join(request.to_wire() for request in requests))
    for request in requests:
        session.answer_to(request)
    shared = [_ping(session) for _ in range(2)]
    board.send(b"".join(request.to_wire()[:-1] for request in shared) + b"\0")
    for request in shared:
        session.answer_to(request)


@check(AREA, "an answer that comes back as an echo is not answered")
def echo(board: Board) -> None:
    session = board.session()
    payload = bytes(HELLO_ANSWER.sizeof())
    for kind in (MessageType.ERROR, MessageType.ALIVE, MessageType.HELLO | ANSWER_BIT):
        _is_dropped(board, session.frame(kind, payload).to_wire())
