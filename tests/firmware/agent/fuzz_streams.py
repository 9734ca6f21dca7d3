"""Byte streams that go wrong: valid session traffic, then damaged at one level or more.

Messages are damaged under a correct CRC, so that they reach their handlers; the
frames' bytes are damaged afterwards, as a line would.
"""

from __future__ import annotations

import random
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple

from protocol.framing import PROTOCOL_VERSION, cobs_encode
from protocol.messages import (
    ALL_OPS,
    HOLDER_BYTES,
    InputSource,
    LeaseAction,
    MessageType,
    RunFlag,
    Store,
)
from tests.support.mutations import Field, mutate

INTERESTING = (0, 1, 2, 3, 15, 16, 17, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF)
INTERESTING += (0x80000000, 0xFFFFFFF0, 0xFFFFFFFF)
SESSIONS = (0x51, 0x52)
MAX_STREAM_BYTES = 65536


@dataclass(frozen=True)
class Message:
    type: int
    session: int
    sequence: int
    payload: bytes = b""
    version: int = PROTOCOL_VERSION

    def to_wire(self) -> bytes:
        """As Frame.to_wire, many times faster."""
        body = struct.pack(
            "<BBIHH", self.version, self.type, self.session, self.sequence, len(self.payload)
        )
        body += self.payload
        return b"\0" + cobs_encode(body + struct.pack("<I", zlib.crc32(body))) + b"\0"


class Sample(NamedTuple):
    """A plan with the fields that its mutator knows and the sizes of its inputs."""

    plan: bytes
    fields: list[Field]
    input_bytes: list[int]


def script(rng: random.Random, sample: Sample) -> list[Message]:
    """A session as a host would have it, with a plan that may be damaged."""
    session = SESSIONS[rng.random() < 0.1]
    sequence = rng.randrange(0x10000)
    plan = sample.plan if rng.random() < 0.6 else mutate(sample.plan, sample.fields, rng)
    store = rng.choice([Store.RAM, Store.RAM, Store.FLASH])
    chunk_bytes = rng.choice([100, 333, 1023])
    holder = rng.randbytes(HOLDER_BYTES)
    begin = struct.pack("<B3xII", store, len(plan), zlib.crc32(plan))
    run = struct.pack(
        "<HBBIHH",
        rng.choice([1, 1, 2, 5]),
        rng.choice([0, RunFlag.PROFILE]),
        rng.choice([InputSource.SEEDED, InputSource.SENT]),
        rng.randrange(2**32),
        rng.choice([ALL_OPS, ALL_OPS, 0, 1, 2]),
        0,
    )
    payloads: list[tuple[MessageType, bytes]] = [
        (MessageType.HELLO, struct.pack("<BBHI", 1, 1, 0, session)),
        (MessageType.CAPABILITIES, struct.pack("<HH", rng.choice([0, 90]), 0)),
        (MessageType.LEASE, struct.pack("<B3xI", LeaseAction.TAKE, 10_000) + holder),
        (MessageType.PLAN_BEGIN, begin),
        *(
            (MessageType.PLAN_CHUNK, struct.pack("<I", o) + plan[o : o + chunk_bytes])
            for o in range(0, len(plan), chunk_bytes)
        ),
        (MessageType.PLAN_END, b""),
    ]
    for index, size in enumerate(sample.input_bytes):
        for offset in range(0, min(size, 4000), 900):
            data = rng.randbytes(min(900, size - offset))
            payloads.append((MessageType.INPUT, struct.pack("<B3xI", index, offset) + data))
    payloads += [
        (MessageType.RUN, run),
        (MessageType.PROFILE, struct.pack("<HH", rng.choice([0, 1, 3]), 0)),
        (MessageType.OUTPUT, struct.pack("<BBHI", 0, 0, rng.choice([1, 64, 0xFFFF]), 0)),
        (MessageType.ARENA, struct.pack("<IHH", rng.choice([0, 16]), 0xFFFF, 0)),
        (MessageType.PING, b""),
    ]
    if rng.random() < 0.3:
        payloads.append((MessageType.RUN, run))
    if rng.random() < 0.1:
        payloads.append((MessageType.RESET, b""))
    if rng.random() < 0.2:
        payloads.append((MessageType.LEASE, struct.pack("<B3xI", LeaseAction.RELEASE, 0) + holder))
    return [
        Message(kind, session if kind != MessageType.HELLO else 0, (sequence + i) & 0xFFFF, payload)
        for i, (kind, payload) in enumerate(payloads)
    ]


def _damage_field(rng: random.Random, messages: list[Message], at: int) -> None:
    """An aligned field of the fixed part, or of what follows, gets a telling value."""
    payload = bytearray(messages[at].payload)
    width = rng.choice([1, 2, 4])
    if len(payload) < width:
        return
    position = rng.randrange(min(len(payload), 24) // width) * width
    old = int.from_bytes(payload[position : position + width], "little")
    new = rng.choice(
        [rng.choice(INTERESTING), old + rng.choice([-4, -1, 1, 4]), rng.getrandbits(32)]
    )
    payload[position : position + width] = (new % 256**width).to_bytes(width, "little")
    messages[at] = replace(messages[at], payload=bytes(payload))


def _damage_length(rng: random.Random, messages: list[Message], at: int) -> None:
    payload = messages[at].payload
    if rng.random() < 0.5:
        payload = payload[: rng.randrange(len(payload) + 1)]
    else:
        payload += rng.randbytes(rng.choice([1, 3, 40, 1100]))
    messages[at] = replace(messages[at], payload=payload)


def _damage_header(rng: random.Random, messages: list[Message], at: int) -> None:
    messages[at] = rng.choice(
        [
            replace(messages[at], type=rng.randrange(256)),
            replace(messages[at], type=rng.choice(list(MessageType))),
            replace(messages[at], session=rng.choice([0, *SESSIONS, rng.getrandbits(32)])),
            replace(messages[at], sequence=rng.randrange(0x10000)),
            replace(messages[at], version=rng.randrange(256)),
        ]
    )


def _drop(rng: random.Random, messages: list[Message], at: int) -> None:
    del messages[at : at + rng.choice([1, 1, 2])]


def _repeat(rng: random.Random, messages: list[Message], at: int) -> None:
    messages.insert(min(len(messages), at + rng.choice([1, 1, 2, 3])), messages[at])


def _swap(rng: random.Random, messages: list[Message], at: int) -> None:
    other = rng.randrange(len(messages))
    messages[at], messages[other] = messages[other], messages[at]


DAMAGES: tuple[Callable[[random.Random, list[Message], int], None], ...] = (
    _damage_field,
    _damage_field,
    _damage_field,
    _damage_length,
    _damage_header,
    _drop,
    _repeat,
    _swap,
)


def _damage_wire(rng: random.Random, wire: bytearray) -> None:
    at = rng.randrange(len(wire))
    choice = rng.randrange(6)
    if choice == 0:
        wire[at] ^= 1 << rng.randrange(8)
    elif choice == 1:
        del wire[at : at + rng.choice([1, 2, 30, 300])]
    elif choice == 2:
        wire[at:at] = rng.randbytes(rng.choice([1, 5, 70]))
    elif choice == 3:
        wire[at:at] = bytes(rng.choice([1, 2, 5]))
    elif choice == 4:
        # More than any frame has, without a delimiter.
        wire[at:at] = bytes(rng.randrange(1, 256) for _ in range(40)) * 60
    else:
        del wire[at:]


def damaged_stream(rng: random.Random, samples: list[Sample]) -> bytes:
    """One stream of at most MAX_STREAM_BYTES."""
    messages = script(rng, rng.choice(samples))
    if rng.random() < 0.1:
        other = script(rng, rng.choice(samples))
        messages[rng.randrange(len(messages)) :] = other[rng.randrange(len(other)) :]
    for _ in range(rng.choice([0, 1, 1, 2, 4, 8])):
        if messages:
            rng.choice(DAMAGES)(rng, messages, rng.randrange(len(messages)))
    wire = bytearray(b"".join(message.to_wire() for message in messages))
    for _ in range(rng.choice([0, 0, 1, 3])):
        if wire:
            _damage_wire(rng, wire)
    return bytes(wire[:MAX_STREAM_BYTES])
