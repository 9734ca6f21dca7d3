"""COBS and frames: published examples, properties, and resynchronisation."""

import contextlib
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.framing import (
    FRAME_OVERHEAD_BYTES,
    Frame,
    FrameDecoder,
    FramingError,
    cobs_decode,
    cobs_encode,
)

frames = st.builds(
    Frame,
    type=st.integers(0, 0xFF),
    session=st.integers(0, 0xFFFFFFFF),
    sequence=st.integers(0, 0xFFFF),
    payload=st.binary(max_size=600),
)


@pytest.mark.parametrize(
    ("decoded", "encoded"),
    [
        # Examples of the COBS paper's appendix and of its Wikipedia article.
        ("00", "0101"),
        ("0000", "010101"),
        ("00110022", "010211" + "0222"),
        ("11223344", "0511223344"),
        ("11000000", "0211010101"),
        (bytes(range(1, 255)).hex(), "ff" + bytes(range(1, 255)).hex()),
        (bytes(range(255)).hex(), "01ff" + bytes(range(1, 255)).hex()),
        (bytes(range(1, 256)).hex(), "ff" + bytes(range(1, 255)).hex() + "02ff"),
        ((bytes(range(2, 256)) + b"\0").hex(), "ff" + bytes(range(2, 256)).hex() + "0101"),
    ],
)
def test_cobs_examples(decoded: str, encoded: str) -> None:
    assert cobs_encode(bytes.fromhex(decoded)).hex() == encoded
    assert cobs_decode(bytes.fromhex(encoded)).hex() == decoded


@given(st.binary(max_size=2000))
def test_cobs_round_trip_without_zeros_and_within_its_bound(data: bytes) -> None:
    encoded = cobs_encode(data)
    assert 0 not in encoded
    assert len(encoded) <= len(data) + len(data) // 254 + 1
    assert cobs_decode(encoded) == data


@given(st.binary(max_size=300))
def test_cobs_decode_never_fails_otherwise(data: bytes) -> None:
    with contextlib.suppress(FramingError):
        cobs_decode(data)


@given(frames)
def test_frame_round_trip(frame: Frame) -> None:
    assert Frame.from_bytes(frame.to_bytes()) == frame


def test_crc_is_the_common_one() -> None:
    # The check value of CRC-32/ISO-HDLC.
    assert zlib.crc32(b"123456789") == 0xCBF43926


@given(frames, st.data())
def test_any_flipped_bit_is_noticed(frame: Frame, data: st.DataObject) -> None:
    raw = bytearray(frame.to_bytes())
    bit = data.draw(st.integers(0, len(raw) * 8 - 1))
    raw[bit // 8] ^= 1 << (bit % 8)
    with pytest.raises(FramingError):
        Frame.from_bytes(bytes(raw))


@given(st.lists(frames, max_size=5), st.integers(1, 700))
def test_stream_in_any_pieces(sent: list[Frame], piece: int) -> None:
    stream = b"".join(frame.to_wire() for frame in sent)
    decoder = FrameDecoder()
    received = []
    for start in range(0, len(stream), piece):
        received += decoder.feed(stream[start : start + piece])
    assert received == sent
    assert decoder.dropped == 0


@given(st.binary(max_size=1000), frames)
def test_resynchronises_after_anything(noise: bytes, frame: Frame) -> None:
    assert FrameDecoder().feed(noise + frame.to_wire())[-1] == frame


@given(st.binary(min_size=1, max_size=3000).filter(lambda data: 0 not in data), frames)
def test_a_stretch_without_delimiters_does_not_grow(noise: bytes, frame: Frame) -> None:
    decoder = FrameDecoder(max_frame_bytes=FRAME_OVERHEAD_BYTES + 600)
    for _ in range(20):
        assert decoder.feed(noise) == []
    assert len(decoder._buffer) < FRAME_OVERHEAD_BYTES + 600 + len(noise) + 8
    assert decoder.feed(frame.to_wire()) == [frame]
