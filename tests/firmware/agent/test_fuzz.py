"""Ten thousand damaged sessions against the agent under AddressSanitizer and UBSan."""

from __future__ import annotations

import os
import random
import struct
import subprocess

import pytest

from protocol.errors import ErrorCode
from protocol.framing import Frame
from protocol.messages import ANSWER_BIT, HELLO_REQUEST, MessageType
from protocol.plan import PLAN_HEADER, PLAN_IO, PLAN_TENSOR
from tests.firmware.agent.agent_process import build_test_program
from tests.firmware.agent.fuzz_streams import Sample, damaged_stream
from tests.firmware.agent.plans import in_place_plan, lookup_plan
from tests.support.mutations import plan_fields
from tests.support.sample_plans import sample_plans

STREAMS = int(os.environ.get("FUZZ_STREAMS", "10000"))
SEED = int(os.environ.get("FUZZ_SEED", "20240602"))
FRESH = 0x80000000
MAX_PLAN_BYTES = 4_000


def input_bytes(plan: bytes) -> list[int]:
    header = PLAN_HEADER.parse(plan)
    tensors = PLAN_TENSOR[header.tensor_count].parse(plan[header.tensors_offset :])
    records = PLAN_IO[header.input_count].parse(plan[header.io_offset :])
    return [tensors[record.tensor].size_bytes for record in records]


def samples() -> list[Sample]:
    plans = [*sample_plans().values(), lookup_plan((33, 8), ops=4), in_place_plan()]
    return [
        Sample(plan, plan_fields(plan), input_bytes(plan))
        for plan in plans
        if len(plan) <= MAX_PLAN_BYTES
    ]


@pytest.mark.slow
def test_damaged_streams_find_nothing() -> None:
    rng = random.Random(SEED)
    seeds = samples()
    assert len(seeds) > 10
    hello = HELLO_REQUEST.build({"protocol_min": 1, "protocol_max": 1, "reserved": 0, "session": 7})
    records = [Frame(MessageType.HELLO, 0, 1, hello).to_wire()]
    records += [damaged_stream(rng, seeds) for _ in range(STREAMS)]
    fed = b"".join(
        struct.pack("<I", len(data) | (FRESH if number and rng.random() < 0.3 else 0)) + data
        for number, data in enumerate(records)
    )
    done = subprocess.run(
        [build_test_program("fuzz_agent")], input=fed, capture_output=True, timeout=110, check=False
    )
    assert done.returncode == 0, done.stderr.decode(errors="replace")

    counts: dict[str, dict[int, int]] = {"answer": {}, "error": {}}
    for line in done.stdout.decode().splitlines():
        what, number, count = line.split()
        counts[what][int(number)] = int(count)
    # The streams reach every handler and most refusals; else they would prove little.
    requests = [kind for kind in MessageType if kind < MessageType.MODEL_BEGIN]
    assert set(counts["answer"]) == {
        *(kind | ANSWER_BIT for kind in requests),
        MessageType.ERROR,
        MessageType.ALIVE,
    }
    assert counts["answer"][MessageType.HELLO | ANSWER_BIT] >= STREAMS
    assert counts["answer"][MessageType.RUN | ANSWER_BIT] > STREAMS // 10
    # A board's kernels never write outside the arena; the memory's stores take every write.
    # ARENA_OVERRUN is also how an input that reached past its tensor would show.
    impossible = {ErrorCode.OK, ErrorCode.STORE_FAULT, ErrorCode.ARENA_OVERRUN}
    impossible |= {ErrorCode.STORE_READ_ONLY}
    impossible |= {ErrorCode.PLAN_DTYPE, ErrorCode.UNSUPPORTED}
    # Of boards that load models as they are, or bundles; the last is no answer to a request.
    others = ("MODEL_", "ENGINE_", "BUNDLE_")
    impossible |= {code for code in ErrorCode if code.name.startswith(others)}
    impossible |= {ErrorCode.PLAN_SELF_TEST}
    assert set(counts["error"]) >= {int(code) for code in ErrorCode} - {int(c) for c in impossible}
    assert ErrorCode.ARENA_OVERRUN not in counts["error"]
