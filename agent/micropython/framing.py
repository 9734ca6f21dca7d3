"""Frames: COBS between zero bytes, with a CRC-32 over everything inside (protocol/SPEC.md)."""

from binascii import crc32

from jsp_protocol import CRC_BYTES, FRAME_HEADER, HEADER_BYTES, PROTOCOL_VERSION

_FULL_BLOCK = 254


def encode(kind, session, sequence, payload):
    """A whole frame as it goes over the wire, a delimiter before it and one after it."""
    body = FRAME_HEADER.write(
        version=PROTOCOL_VERSION,
        type=kind,
        session=session,
        sequence=sequence,
        length=len(payload),
    )
    body += payload
    body += crc32(body).to_bytes(CRC_BYTES, "little")
    return b"\0" + cobs_encode(body) + b"\0"


def cobs_encode(data):
    """COBS without delimiters."""
    out = bytearray()
    view = memoryview(data)
    position = 0
    while True:
        zero = data.find(b"\0", position)
        end = len(data) if zero < 0 else zero
        while end - position >= _FULL_BLOCK:
            out.append(_FULL_BLOCK + 1)
            out.extend(view[position : position + _FULL_BLOCK])
            position += _FULL_BLOCK
            if position == len(data):
                return out  # a full block implies no zero: nothing is left to say
        out.append(end - position + 1)
        out.extend(view[position:end])
        if zero < 0:
            return out
        position = zero + 1


def cobs_decode(data):
    """Undoes cobs_encode; None for what it cannot have written. ``data`` holds no zero."""
    out = bytearray()
    view = memoryview(data)
    position = 0
    while position < len(data):
        code = data[position]
        end = position + code
        if end > len(data):
            return None
        out.extend(view[position + 1 : end])
        position = end
        if code <= _FULL_BLOCK and position < len(data):
            out.append(0)
    return out


def read_frame(frame):
    """Header and payload of a frame without COBS, or None if it is not one of this version."""
    if len(frame) < HEADER_BYTES + CRC_BYTES or frame[0] != PROTOCOL_VERSION:
        return None
    end = len(frame) - CRC_BYTES
    view = memoryview(frame)
    header = FRAME_HEADER.read(frame)
    if (
        header.length != end - HEADER_BYTES
        or crc32(view[:end]).to_bytes(CRC_BYTES, "little") != view[end:]
    ):
        return None
    return header, view[HEADER_BYTES:end]


class Decoder:
    """Finds frames in a byte stream; whatever it is fed, the next delimiter starts afresh."""

    def __init__(self, max_payload_bytes):
        longest = HEADER_BYTES + max_payload_bytes + CRC_BYTES
        self._limit = longest + longest // _FULL_BLOCK + 1
        self._max_payload_bytes = max_payload_bytes
        self._stretch = bytearray()
        self._too_long = False

    def feed(self, data):
        """The (header, payload) pairs that ``data`` completes."""
        frames = []
        position = 0
        while True:
            delimiter = data.find(b"\0", position)
            if delimiter < 0:
                self._append(data[position:])
                return frames
            self._append(data[position:delimiter])
            frame = self._finish()
            if frame is not None:
                frames.append(frame)
            position = delimiter + 1

    def _append(self, piece):
        if len(self._stretch) + len(piece) > self._limit:
            self._too_long = True
            self._stretch = bytearray()
        if not self._too_long:
            self._stretch.extend(piece)

    def _finish(self):
        stretch, too_long = self._stretch, self._too_long
        self._stretch = bytearray()
        self._too_long = False
        decoded = None if too_long else cobs_decode(stretch)
        found = None if decoded is None else read_frame(decoded)
        if found is not None and len(found[1]) > self._max_payload_bytes:
            return None
        return found
