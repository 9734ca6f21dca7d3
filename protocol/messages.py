"""The messages: a request and its answer a type, every payload little-endian.

An answer has its request's type with the top bit set, and its request's
session and sequence number. Instead of it an agent may answer ERROR. While a
long run goes on it sends ALIVE. Trailing data of variable length follows the
fixed part of a payload.
"""

from __future__ import annotations

from enum import IntEnum, IntFlag

from construct import (
    Bytes,
    Default,
    GreedyBytes,
    GreedyRange,
    Int8ul,
    Int16sl,
    Int16ul,
    Int32ul,
    Int64ul,
    Struct,
)

HOLDER_BYTES = 16
SHA256_BYTES = 32
MAX_MODEL_NAME_BYTES = 64
MAX_ERROR_TEXT_BYTES = 512
NO_INDEX = 0xFFFF
ALL_OPS = 0xFFFF


class MessageType(IntEnum):
    """Requests; an answer is ``request | ANSWER_BIT``."""

    HELLO = 0x01
    CAPABILITIES = 0x02
    LEASE = 0x03
    PLAN_BEGIN = 0x04
    PLAN_CHUNK = 0x05
    PLAN_END = 0x06
    INPUT = 0x07
    RUN = 0x08
    PROFILE = 0x09
    OUTPUT = 0x0A
    ARENA = 0x0B
    PING = 0x0C
    RESET = 0x0D
    MODEL_BEGIN = 0x0E
    MODEL_CHUNK = 0x0F
    MODEL_END = 0x10
    REPORT = 0x11

    ALIVE = 0xFE
    ERROR = 0xFF


ANSWER_BIT = 0x80


class Domain(IntEnum):
    """A processor of a board that has several behind one link."""

    ANY = 0
    """The one that answers."""
    MCU = 1
    MPU = 2


class LeaseAction(IntEnum):
    RELEASE = 0
    TAKE = 1


class Store(IntEnum):
    """Where a plan may live."""

    RAM = 1
    FLASH = 2


class InputSource(IntEnum):
    """Where a run's inputs come from."""

    SENT = 0
    SEEDED = 1


class RunFlag(IntFlag):
    PROFILE = 1


class ResetCause(IntEnum):
    """Why a board last started."""

    UNKNOWN = 0
    POWER_ON = 1
    PIN = 2
    SOFTWARE = 3
    WATCHDOG = 4


class ModelFormat(IntEnum):
    """What a model's file is; an ENGINE_OFFER has bit ``1 << format`` for each it reads."""

    PLAN = 0
    TFLITE = 1
    ONNX = 2
    BUNDLE = 3
    """A model with its signature and self-test, for agents that install such."""


class Engine(IntEnum):
    """What runs a model on a board with an operating system."""

    ANY = 0
    """The board's choice among those that read the format."""
    JUMP_RT = 1
    LITERT = 2
    ONNXRUNTIME = 3


HELLO_REQUEST = Struct(
    "protocol_min" / Int8ul,
    "protocol_max" / Int8ul,
    "domain" / Default(Int8ul, 0) * "of a board with several: which one the session is with",
    "reserved" / Default(Int8ul, 0),
    "session" / Int32ul * "chosen by the host; not 0",
)
HELLO_ANSWER = Struct(
    "protocol" / Int8ul * "the version both will speak",
    "reset_cause" / Int8ul,
    "capabilities_bytes" / Int16ul * "length of the whole capability list",
    "session" / Int32ul * "as asked for",
    "boot_count" / Int32ul,
    "lease_left_ms" / Int32ul * "0: nobody holds the board",
    "holder" / Bytes(HOLDER_BYTES) * "who holds it, zero padded",
)
CAPABILITIES_REQUEST = Struct("offset" / Int16ul, "reserved" / Default(Int16ul, 0))
CAPABILITIES_ANSWER = Struct("total_bytes" / Int16ul, "offset" / Int16ul, "data" / GreedyBytes)
LEASE_REQUEST = Struct(
    "action" / Int8ul,
    "reserved" / Default(Bytes(3), bytes(3)),
    "duration_ms" / Int32ul,
    "holder" / Bytes(HOLDER_BYTES),
)
LEASE_ANSWER = Struct("duration_ms" / Int32ul * "granted", "boot_count" / Int32ul)
PLAN_BEGIN_REQUEST = Struct(
    "store" / Int8ul,
    "reserved" / Default(Bytes(3), bytes(3)),
    "size_bytes" / Int32ul,
    "crc32" / Int32ul * "over the exact bytes of the plan",
)
PLAN_BEGIN_ANSWER = Struct(
    "next_offset" / Int32ul * "not 0 where an upload is resumed; size where nothing is to be sent",
    "window" / Int16ul * "chunks that may be unanswered",
    "chunk_bytes" / Int16ul * "largest data of a chunk",
)
PLAN_CHUNK_REQUEST = Struct("offset" / Int32ul, "data" / GreedyBytes)
PLAN_CHUNK_ANSWER = Struct("next_offset" / Int32ul)
PLAN_END_ANSWER = Struct(
    "arena_bytes" / Int32ul * "what the plan needs",
    "arena_available_bytes" / Int32ul * "what the board has beside the plan",
    "op_count" / Int16ul,
    "tensor_count" / Int16ul,
)
INPUT_REQUEST = Struct(
    "index" / Int8ul,
    "reserved" / Default(Bytes(3), bytes(3)),
    "offset" / Int32ul,
    "data" / GreedyBytes,
)
INPUT_ANSWER = Struct("next_offset" / Int32ul)
RUN_REQUEST = Struct(
    "iterations" / Int16ul,
    "flags" / Int8ul,
    "input_source" / Int8ul,
    "seed" / Int32ul,
    "op_limit" / Int16ul * "stop after this many ops; ALL_OPS runs the plan to its end",
    "reserved" / Default(Int16ul, 0),
)
RUN_ANSWER = Struct(
    "iterations" / Int16ul,
    "unstable_at" / Int16ul * "first iteration whose output differs from the first's; NO_INDEX",
    "input_crc32" / Int32ul,
    "output_crc32" / Int32ul * "of the first iteration",
    "arena_high_water_bytes" / Int32ul,
    "stack_high_water_bytes" / Int32ul,
    "instructions" / Default(Int32ul, 0) * "of the last iteration; 0: not counted",
    "ticks" / GreedyRange(Int64ul) * "one an iteration",
)
PROFILE_REQUEST = Struct("first_op" / Int16ul, "reserved" / Default(Int16ul, 0))
PROFILE_ANSWER = Struct("op_count" / Int16ul, "first_op" / Int16ul, "ticks" / GreedyRange(Int32ul))
OUTPUT_REQUEST = Struct(
    "index" / Int8ul, "reserved" / Default(Int8ul, 0), "length" / Int16ul, "offset" / Int32ul
)
OUTPUT_ANSWER = Struct("offset" / Int32ul, "data" / GreedyBytes)
ARENA_REQUEST = Struct("offset" / Int32ul, "length" / Int16ul, "reserved" / Default(Int16ul, 0))
ARENA_ANSWER = Struct("offset" / Int32ul, "data" / GreedyBytes)
MODEL_BEGIN_REQUEST = Struct(
    "size_bytes" / Int64ul,
    "sha256" / Bytes(SHA256_BYTES) * "over the exact bytes of the model",
    "format" / Int8ul,
    "engine" / Int8ul,
    "threads" / Int8ul * "0: the board's choice",
    "reserved" / Default(Bytes(5), bytes(5)),
    "name" / GreedyBytes * "UTF-8, 1 to 64 bytes: a label, never a path",
)
MODEL_BEGIN_ANSWER = Struct(
    "next_offset" / Int64ul * "not 0 where an upload is resumed; size where nothing is to be sent",
    "chunk_bytes" / Int32ul * "largest data of a chunk",
    "window" / Int16ul * "chunks that may be unanswered",
    "reserved" / Default(Int16ul, 0),
)
MODEL_CHUNK_REQUEST = Struct("offset" / Int64ul, "data" / GreedyBytes)
MODEL_CHUNK_ANSWER = Struct("next_offset" / Int64ul)
MODEL_END_ANSWER = Struct(
    "input_count" / Int16ul,
    "output_count" / Int16ul,
    "load_us" / Int32ul * "what the engine took to load it",
)
REPORT_REQUEST = Struct("offset" / Int16ul, "reserved" / Default(Int16ul, 0))
REPORT_ANSWER = Struct("total_bytes" / Int16ul, "offset" / Int16ul, "data" / GreedyBytes)
PING_ANSWER = Struct("boot_count" / Int32ul, "uptime_ms" / Int32ul)
ALIVE_MESSAGE = Struct("op" / Int16ul * "the next op", "op_count" / Int16ul)
ERROR_ANSWER = Struct(
    "request_type" / Int8ul,
    "reserved" / Default(Int8ul, 0),
    "code" / Int16sl,
    "index" / Int16ul * "op, tensor or input concerned, else NO_INDEX",
    "reserved2" / Default(Int16ul, 0),
    "needed" / Int32ul,
    "available" / Int32ul,
    "boot_count" / Int32ul,
    "lease_left_ms" / Int32ul,
    "holder" / Bytes(HOLDER_BYTES),
    "text" / Default(GreedyBytes, b"") * "UTF-8, at most 512 bytes: why, for people; often empty",
)
ERROR_FIXED_BYTES = sum(field.sizeof() for field in ERROR_ANSWER.subcons[:-1])

EMPTY = Struct()

REQUESTS: dict[MessageType, Struct] = {
    MessageType.HELLO: HELLO_REQUEST,
    MessageType.CAPABILITIES: CAPABILITIES_REQUEST,
    MessageType.LEASE: LEASE_REQUEST,
    MessageType.PLAN_BEGIN: PLAN_BEGIN_REQUEST,
    MessageType.PLAN_CHUNK: PLAN_CHUNK_REQUEST,
    MessageType.PLAN_END: EMPTY,
    MessageType.INPUT: INPUT_REQUEST,
    MessageType.RUN: RUN_REQUEST,
    MessageType.PROFILE: PROFILE_REQUEST,
    MessageType.OUTPUT: OUTPUT_REQUEST,
    MessageType.ARENA: ARENA_REQUEST,
    MessageType.PING: EMPTY,
    MessageType.RESET: EMPTY,
    MessageType.MODEL_BEGIN: MODEL_BEGIN_REQUEST,
    MessageType.MODEL_CHUNK: MODEL_CHUNK_REQUEST,
    MessageType.MODEL_END: EMPTY,
    MessageType.REPORT: REPORT_REQUEST,
}
ANSWERS: dict[MessageType, Struct] = {
    MessageType.HELLO: HELLO_ANSWER,
    MessageType.CAPABILITIES: CAPABILITIES_ANSWER,
    MessageType.LEASE: LEASE_ANSWER,
    MessageType.PLAN_BEGIN: PLAN_BEGIN_ANSWER,
    MessageType.PLAN_CHUNK: PLAN_CHUNK_ANSWER,
    MessageType.PLAN_END: PLAN_END_ANSWER,
    MessageType.INPUT: INPUT_ANSWER,
    MessageType.RUN: RUN_ANSWER,
    MessageType.PROFILE: PROFILE_ANSWER,
    MessageType.OUTPUT: OUTPUT_ANSWER,
    MessageType.ARENA: ARENA_ANSWER,
    MessageType.PING: PING_ANSWER,
    MessageType.RESET: EMPTY,
    MessageType.MODEL_BEGIN: MODEL_BEGIN_ANSWER,
    MessageType.MODEL_CHUNK: MODEL_CHUNK_ANSWER,
    MessageType.MODEL_END: MODEL_END_ANSWER,
    MessageType.REPORT: REPORT_ANSWER,
}


def holder_name(raw: bytes) -> str:
    """The text in a zero-padded holder field."""
    return raw.rstrip(b"\0").decode("utf-8", "replace") or "another client"
