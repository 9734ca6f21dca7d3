"""The agent's framing in C against the golden vectors and the Python side's."""

from __future__ import annotations

import json
import random
import subprocess
from collections.abc import Iterator

import pytest

from protocol.framing import Frame, FrameDecoder
from tests.firmware.agent.agent_process import ROOT, build_test_program

GOLDEN = ROOT / "protocol" / "golden"
LARGEST_PAYLOAD_BYTES = 65280


def to_hex(data: bytes) -> str:
    return data.hex() or "-"


class Codec:
    """The codec program (codec.c), a line at a time."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [build_test_program("codec")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def _ask(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def _line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def encode(self, frame: Frame) -> bytes:
        self._ask(f"encode {frame.type} {frame.session} {frame.sequence} {to_hex(frame.payload)}")
        return bytes.fromhex(self._line())

    def decode(self, wire: bytes, piece_bytes: int = 64) -> list[Frame]:
        self._ask(f"decode {piece_bytes} {to_hex(wire)}")
        frames = []
        while (line := self._line()) != ".":
            kind, session, sequence, payload = line.split()
            data = b"" if payload == "-" else bytes.fromhex(payload)
            frames.append(Frame(int(kind), int(session), int(sequence), data))
        return frames


@pytest.fixture(scope="module")
def codec() -> Iterator[Codec]:
    codec = Codec()
    yield codec
    codec.process.communicate(timeout=20)
    assert codec.process.returncode == 0


def test_golden_frames(codec: Codec) -> None:
    vectors = json.loads((GOLDEN / "frames.json").read_text())
    assert vectors
    for vector in vectors:
        payload = bytes.fromhex(vector["payload"])
        frame = Frame(vector["type"], vector["session"], vector["sequence"], payload)
        wire = bytes.fromhex(vector["wire"])
        assert codec.encode(frame) == wire
        assert codec.decode(wire) == [frame]


def payloads(rng: random.Random) -> Iterator[bytes]:
    """Lengths around the block size of COBS, with no zeros, some, many, and nothing else."""
    for size in [*range(8), *range(236, 260), *range(490, 514), 2048, 8192, LARGEST_PAYLOAD_BYTES]:
        yield bytes(rng.randrange(1, 256) for _ in range(size))
        yield bytes(rng.choice([0, 0, 1, 255]) for _ in range(size))
        yield bytes(rng.randrange(256) for _ in range(size))
        yield bytes(size)


def test_frames_of_every_shape_round_the_block_size(codec: Codec) -> None:
    rng = random.Random(4)
    for payload in payloads(rng):
        frame = Frame(rng.randrange(256), rng.getrandbits(32), rng.randrange(0x10000), payload)
        wire = codec.encode(frame)
        assert wire == frame.to_wire()
        assert codec.decode(wire, piece_bytes=rng.choice([1, 7, 64, 70_000])) == [frame]


def test_the_next_delimiter_starts_afresh(codec: Codec) -> None:
    frame = Frame(12, 3, 4, b"\0payload\0")
    wire = frame.to_wire()
    rng = random.Random(5)
    garbage = [
        b"\x05\x01\x02",
        b"\xff" * 300,
        b"\x01" * 100_000,
        wire[:-3],
        wire[4:-1],
        bytes(range(1, 256)),
        *(bytes(rng.randrange(1, 256) for _ in range(n)) for n in (1, 13, 14, 15, 260)),
    ]
    for noise in garbage:
        for piece_bytes in (1, 64):
            assert codec.decode(noise + wire + noise + b"\0" + wire, piece_bytes) == [frame, frame]


def test_delimiters_may_be_shared_or_doubled(codec: Codec) -> None:
    frames = [Frame(1, 2, n, bytes(n)) for n in range(5)]
    shared = b"".join(frame.to_wire()[:-1] for frame in frames) + b"\0"
    doubled = b"\0\0".join(frame.to_wire() for frame in frames)
    assert codec.decode(shared) == frames
    assert codec.decode(doubled) == frames


def test_damaged_frames_are_dropped_as_in_python(codec: Codec) -> None:
    rng = random.Random(6)
    accepted = 0
    for _ in range(2_000):
        frame = Frame(5, rng.getrandbits(32), 9, rng.randbytes(rng.randrange(300)))
        wire = bytearray(frame.to_wire())
        for _ in range(rng.choice([0, 1, 1, 3])):
            wire[rng.randrange(len(wire))] = rng.randrange(256)
        expected = [got for got in FrameDecoder().feed(bytes(wire) + b"\0") if got.version == 1]
        assert codec.decode(bytes(wire) + b"\0") == expected
        accepted += len(expected)
    assert 400 < accepted < 1_000


def test_frames_of_another_version_or_length_are_dropped(codec: Codec) -> None:
    assert codec.decode(Frame(1, 2, 3, b"", version=2).to_wire()) == []
    too_long = Frame(1, 2, 3, bytes(LARGEST_PAYLOAD_BYTES + 1))
    assert codec.decode(too_long.to_wire()) == []
