"""Golden byte vectors: what every implementation of the protocol must agree on.

``python -m protocol.golden`` writes ``protocol/golden/*.json``; C, Python and
MicroPython tests read them. A change of a vector is a change of the protocol.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import attrs
from construct import Int32ul

from protocol import messages, plan
from protocol.capabilities import Capabilities, EngineOffer, Feature, StoreCapability
from protocol.emit import MESSAGE_STRUCTS
from protocol.errors import ErrorCode
from protocol.framing import Frame, cobs_encode
from protocol.generator import draw_float32_input, draw_input
from protocol.golden_plans import plan_vectors
from protocol.report import Report

GOLDEN_DIRECTORY = Path(__file__).with_name("golden")
HOLDER = b"engineer@bench".ljust(messages.HOLDER_BYTES, b"\0")


def cobs_vectors() -> list[dict[str, str]]:
    """Runs without zeros around the 254-byte block limit, and zeros everywhere."""
    cases = [
        b"",
        b"\0",
        b"\0\0",
        b"\x11\x22\0\x33",
        b"\x11\x22\x33\x44",
        b"\x11\0\0\0",
        bytes(range(1, 254)),
        bytes(range(1, 255)),
        bytes(range(256)),
        bytes(range(1, 256)),
        bytes(range(2, 256)) + b"\0",
        bytes(range(3, 256)) + b"\0\x01",
        b"\xff" * 508,
        b"\xff" * 509,
        b"\xff" * 254 + b"\0" + b"\xff" * 254,
    ]
    return [{"decoded": case.hex(), "encoded": cobs_encode(case).hex()} for case in cases]


def frame_vectors() -> list[dict[str, Any]]:
    frames = [
        Frame(type=messages.MessageType.PING, session=0, sequence=0),
        Frame(
            type=messages.MessageType.HELLO,
            session=0,
            sequence=1,
            payload=messages.HELLO_REQUEST.build(
                {"protocol_min": 1, "protocol_max": 1, "session": 0x12345678}
            ),
        ),
        Frame(
            type=messages.MessageType.PLAN_CHUNK,
            session=0x12345678,
            sequence=0xFFFF,
            payload=Int32ul.build(2044) + bytes(i & 0xFF for i in range(2044)),
        ),
    ]
    return [
        {
            "version": frame.version,
            "type": frame.type,
            "session": frame.session,
            "sequence": frame.sequence,
            "payload": frame.payload.hex(),
            "bytes": frame.to_bytes().hex(),
            "wire": frame.to_wire().hex(),
        }
        for frame in frames
    ]


EXAMPLE_FIELDS: dict[str, dict[str, Any]] = {
    "hello_request": {"protocol_min": 1, "protocol_max": 3, "session": 0x12345678},
    "hello_answer": {
        "protocol": 1,
        "reset_cause": int(messages.ResetCause.WATCHDOG),
        "capabilities_bytes": 250,
        "session": 0x12345678,
        "boot_count": 4,
        "lease_left_ms": 29_999,
        "holder": HOLDER,
    },
    "capabilities_request": {"offset": 96},
    "capabilities_answer": {"total_bytes": 100, "offset": 96, "data": b"\x01\x02ok"},
    "lease_request": {"action": 1, "duration_ms": 30_000, "holder": HOLDER},
    "lease_answer": {"duration_ms": 30_000, "boot_count": 1},
    "plan_begin_request": {"store": 2, "size_bytes": 300_000, "crc32": 0xCBF43926},
    "plan_begin_answer": {"next_offset": 4096, "window": 4, "chunk_bytes": 2044},
    "plan_chunk_request": {"offset": 4096, "data": b"weights"},
    "plan_chunk_answer": {"next_offset": 4103},
    "plan_end_answer": {
        "arena_bytes": 16_512,
        "arena_available_bytes": 200_000,
        "op_count": 12,
        "tensor_count": 13,
    },
    "input_request": {"index": 0, "offset": 490, "data": b"\x80\x7f"},
    "input_answer": {"next_offset": 492},
    "run_request": {
        "iterations": 3,
        "flags": 1,
        "input_source": 1,
        "seed": 7,
        "op_limit": messages.ALL_OPS,
    },
    "run_answer": {
        "iterations": 2,
        "unstable_at": messages.NO_INDEX,
        "input_crc32": 1,
        "output_crc32": 0xFFFFFFFF,
        "arena_high_water_bytes": 16_512,
        "stack_high_water_bytes": 820,
        "instructions": 7_682_168,
        "ticks": [39_490_871, 1 << 33],
    },
    "profile_request": {"first_op": 30},
    "profile_answer": {"op_count": 32, "first_op": 30, "ticks": [1000, 2000]},
    "output_request": {"index": 0, "length": 12, "offset": 0},
    "output_answer": {"offset": 0, "data": b"\x80\x80\x7f"},
    "arena_request": {"offset": 8000, "length": 4},
    "arena_answer": {"offset": 8000, "data": b"\x01\x02\x03\x04"},
    "model_begin_request": {
        "size_bytes": 96_469_008,
        "sha256": bytes(range(messages.SHA256_BYTES)),
        "format": int(messages.ModelFormat.TFLITE),
        "engine": int(messages.Engine.LITERT),
        "threads": 4,
        "name": b"ic_resnet8_int8.tflite",
    },
    "model_begin_answer": {"next_offset": 1 << 33, "chunk_bytes": 8184, "window": 32},
    "model_chunk_request": {"offset": 1 << 33, "data": b"weights"},
    "model_chunk_answer": {"next_offset": (1 << 33) + 7},
    "model_end_answer": {"input_count": 1, "output_count": 2, "load_us": 35_000},
    "report_request": {"offset": 96},
    "report_answer": {"total_bytes": 100, "offset": 96, "data": b"\x0a\x01\0"},
    "engine_offer": {"engine": 2, "formats": 2, "version": b"litert 2.3.0"},
    "start_check": {"store": 2, "code": int(ErrorCode.PLAN_SELF_TEST), "plan_crc32": 0x1234},
    "ping_answer": {"boot_count": 2, "uptime_ms": 123_456},
    "alive_message": {"op": 5, "op_count": 12},
    "store_capability": {"store": 1, "window": 4, "capacity_bytes": 200_000},
    "error_answer": {
        "request_type": int(messages.MessageType.MODEL_BEGIN),
        "code": int(ErrorCode.MODEL_TOO_LARGE),
        "index": messages.NO_INDEX,
        "needed": 300_000,
        "available": 262_144,
        "boot_count": 1,
        "lease_left_ms": 0,
        "holder": bytes(messages.HOLDER_BYTES),
        "text": b"the disk has too little left",
    },
}
"""One example a message."""


def report_vectors() -> list[dict[str, Any]]:
    reports = [
        Report(
            engine="litert 2.3.0",
            rss_bytes=61_440_000,
            peak_rss_bytes=1 << 33,
            threads=4,
            cpus=frozenset({0, 2, 9}),
            governor="performance",
            power_mode="15W",
            temperature_before=41.5,
            temperature_after=-3.25,
            throttled=False,
            bundle="5e" * 32,
            bundle_name="digits",
            bundle_note="slot b: hashes: weights.tflite is not what was signed: its SHA-256",
        ),
        Report(engine="jump_rt 0.1.0", throttled=True),
    ]
    return [
        {
            "fields": {
                name: sorted(value) if isinstance(value, frozenset) else value
                for name, value in attrs.asdict(report).items()
            },
            "bytes": report.to_bytes().hex(),
        }
        for report in reports
    ]


def message_vectors() -> dict[str, dict[str, Any]]:
    vectors = {}
    for name, struct in MESSAGE_STRUCTS.items():
        fields = EXAMPLE_FIELDS[name]
        shown = {k: v.hex() if isinstance(v, bytes) else v for k, v in fields.items()}
        vectors[name] = {"fields": shown, "payload": struct.build(fields).hex()}
    return vectors


def generator_vectors() -> list[dict[str, Any]]:
    zero_state_seed = 0x9E3779B9
    return [
        {"seed": seed, "index": index, "bytes": draw_input(seed, index, count).hex()}
        for seed, index, count in [
            (0, 0, 8),
            (1, 0, 17),
            (1, 1, 17),
            (0xFFFFFFFF, 3, 5),
            (zero_state_seed, 0, 4),
        ]
    ]


def float32_generator_vectors() -> list[dict[str, Any]]:
    zero_state_seed = 0x9E3779B9
    return [
        {"seed": seed, "index": index, "bytes": draw_float32_input(seed, index, count).hex()}
        for seed, index, count in [(0, 0, 2), (1, 0, 5), (1, 1, 5), (zero_state_seed, 0, 1)]
    ]


def capability_vectors() -> list[dict[str, Any]]:
    board = Capabilities(
        firmware="0.1.0",
        board="pico",
        domain="mcu",
        uid="e660583883724a32",
        core="cortex-m0plus",
        clock_hz=133_000_000,
        tick_hz=133_000_000,
        max_payload_bytes=2048,
        stores=(StoreCapability(1, 4, 200_000), StoreCapability(2, 1, 1 << 20)),
        pool_bytes=253_952,
        op_set=frozenset(int(op) for op in plan.PlanOp),
        weight_layouts=(1,),
        features=Feature.PROFILE | Feature.CYCLE_COUNTER,
        build="gcc 12.2",
        engine="jump_rt 0.1.0",
        max_batch=16,
        max_ns_per_mac=400,
        plan_version=(1, 0),
        static_bytes=4096,
        stack_bytes=2048,
        emulator="rp2040js 1.4.1 xip",
    )
    with_engines = Capabilities(
        board="pc",
        domain="mpu",
        engines=(
            EngineOffer(messages.Engine.LITERT, frozenset({1}), "litert 2.3.0"),
            EngineOffer(messages.Engine.JUMP_RT, frozenset({0}), "jump_rt 0.1.0"),
        ),
        model_bytes=1 << 33,
    )
    unknown = bytes([0xEE, 3]) + b"new"
    return [
        {"board": board.board, "clock_hz": board.clock_hz, "bytes": board.to_bytes().hex()},
        {"board": "pc", "clock_hz": 0, "bytes": with_engines.to_bytes().hex()},
        {"board": "uno", "clock_hz": 0, "bytes": (unknown + b"\x02\x03uno").hex()},
    ]


def render() -> dict[str, str]:
    """File name to text."""
    vectors: dict[str, Any] = {
        "cobs": cobs_vectors(),
        "frames": frame_vectors(),
        "messages": message_vectors(),
        "generator": generator_vectors(),
        "generator_float32": float32_generator_vectors(),
        "capabilities": capability_vectors(),
        "reports": report_vectors(),
        "plans": plan_vectors(),
    }
    return {f"{name}.json": json.dumps(value, indent=1) + "\n" for name, value in vectors.items()}


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Write the golden vectors of the protocol.")
    parser.parse_args(arguments)
    GOLDEN_DIRECTORY.mkdir(exist_ok=True)
    for name, text in render().items():
        (GOLDEN_DIRECTORY / name).write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
