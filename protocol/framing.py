"""Frames: COBS between zero bytes, with a CRC-32 over everything inside.

On a byte stream a frame is ``00 | COBS(frame) | 00``; the same frame without
COBS and delimiters is an MQTT payload. COBS: Cheshire and Baker, "Consistent
Overhead Byte Stuffing", IEEE/ACM Transactions on Networking 7(2), 1999.
"""

from __future__ import annotations

import zlib

import attrs
from construct import Int8ul, Int16ul, Int32ul, Struct

PROTOCOL_VERSION = 1
DELIMITER = 0

FRAME_HEADER = Struct(
    "version" / Int8ul,
    "type" / Int8ul,
    "session" / Int32ul,
    "sequence" / Int16ul,
    "length" / Int16ul,
)
HEADER_BYTES = FRAME_HEADER.sizeof()
CRC_BYTES = 4
FRAME_OVERHEAD_BYTES = HEADER_BYTES + CRC_BYTES
MAX_PAYLOAD_BYTES = 0xFFFF


class FramingError(ValueError):
    """The bytes are not a frame: cut short, badly coded, or with the wrong CRC."""


@attrs.frozen
class Frame:
    """One message. ``session`` is 0 before HELLO; ``payload`` at most 65,535 bytes."""

    type: int
    session: int
    sequence: int
    payload: bytes = b""
    version: int = PROTOCOL_VERSION

    def to_bytes(self) -> bytes:
        """The frame without COBS: what an MQTT message carries."""
        body = (
            FRAME_HEADER.build(
                {
                    "version": self.version,
                    "type": self.type,
                    "session": self.session,
                    "sequence": self.sequence,
                    "length": len(self.payload),
                }
            )
            + self.payload
        )
        return bytes(body + zlib.crc32(body).to_bytes(CRC_BYTES, "little"))

    @classmethod
    def from_bytes(cls, data: bytes) -> Frame:
        """Reads a frame without COBS. Raises FramingError."""
        if len(data) < FRAME_OVERHEAD_BYTES:
            raise FramingError(f"{len(data)} bytes are too few for a frame")
        body, crc = data[:-CRC_BYTES], int.from_bytes(data[-CRC_BYTES:], "little")
        if zlib.crc32(body) != crc:
            raise FramingError("the CRC-32 does not match")
        header = FRAME_HEADER.parse(body)
        payload = body[HEADER_BYTES:]
        if header.length != len(payload):
            raise FramingError(f"length says {header.length}, the frame has {len(payload)}")
        return cls(
            type=header.type,
            session=header.session,
            sequence=header.sequence,
            payload=payload,
            version=header.version,
        )

    def to_wire(self) -> bytes:
        """The frame as it goes over a byte stream, delimiters included."""
        return b"\0" + cobs_encode(self.to_bytes()) + b"\0"


def cobs_encode(data: bytes) -> bytes:
    """COBS without the delimiter; the result has no zero byte."""
    out = bytearray()
    groups = data.split(b"\0")
    for index, group in enumerate(groups):
        full, rest = divmod(len(group), 254)
        for block in range(full):
            out.append(0xFF)
            out += group[block * 254 : (block + 1) * 254]
        # A full block implies no zero, so one that ends the data stands alone.
        if rest or not full or index < len(groups) - 1:
            out.append(rest + 1)
            out += group[full * 254 :]
    return bytes(out)


def cobs_decode(data: bytes) -> bytes:
    """Undoes cobs_encode. Raises FramingError for what it cannot have written."""
    out = bytearray()
    position = 0
    while position < len(data):
        code = data[position]
        end = position + code
        if code == 0 or end > len(data):
            raise FramingError("COBS code runs past the end of the frame")
        block = data[position + 1 : end]
        if 0 in block:
            raise FramingError("zero byte inside a COBS block")
        out += block
        position = end
        if code != 0xFF and position < len(data):
            out.append(0)
    return bytes(out)


class FrameDecoder:
    """Turns a byte stream into frames; whatever it is fed, the next delimiter starts afresh.

    ``dropped`` counts stretches between delimiters that were not frames.
    """

    def __init__(self, max_frame_bytes: int = MAX_PAYLOAD_BYTES + FRAME_OVERHEAD_BYTES) -> None:
        self._max_frame_bytes = max_frame_bytes
        self._limit = max_frame_bytes + max_frame_bytes // 254 + 1
        self._buffer = bytearray()
        self._overrun = False
        self.dropped = 0

    def feed(self, data: bytes) -> list[Frame]:
        """Returns the frames that ``data`` completed."""
        frames: list[Frame] = []
        pieces = data.split(b"\0")
        for index, piece in enumerate(pieces):
            if not self._overrun:
                self._buffer += piece
                if len(self._buffer) > self._limit:
                    self._overrun = True
                    self._buffer.clear()
            if index == len(pieces) - 1:
                break
            if self._overrun:
                self.dropped += 1
            elif self._buffer:
                try:
                    frames.append(self._read(bytes(self._buffer)))
                except FramingError:
                    self.dropped += 1
            self._buffer.clear()
            self._overrun = False
        return frames

    def _read(self, stretch: bytes) -> Frame:
        data = cobs_decode(stretch)
        if len(data) > self._max_frame_bytes:
            raise FramingError(f"a frame of {len(data)} bytes")
        return Frame.from_bytes(data)
