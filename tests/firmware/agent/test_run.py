"""Runs: inputs sent and drawn, checksums, reading back, profiles and signs of life."""

from __future__ import annotations

import struct
import zlib

import pytest

from protocol.errors import ErrorCode
from protocol.generator import draw_input
from protocol.messages import (
    ALIVE_MESSAGE,
    NO_INDEX,
    InputSource,
    MessageType,
    RunFlag,
)
from protocol.plan import PLAN_HEADER, PLAN_TENSOR
from tests.firmware.agent.agent_process import AgentProcess, Client, build_agent
from tests.firmware.agent.plans import in_place_plan, look_up, lookup_plan
from tests.firmware.agent.test_session import refused

SIZES = (101, 7, 300)
SENT = InputSource.SENT


def arena_offsets(plan: bytes) -> list[int]:
    """Of every tensor, in order."""
    header = PLAN_HEADER.parse(plan)
    tensors = PLAN_TENSOR[header.tensor_count].parse(plan[header.tensors_offset :])
    return [tensor.arena_offset for tensor in tensors]


@pytest.mark.parametrize("seed", [0, 1, 0x9E3779B9, 0xFFFFFFFF])
def test_seeded_inputs_are_the_generators(holder: Client, seed: int) -> None:
    holder.upload(lookup_plan(SIZES, ops=2))
    inputs = [draw_input(seed, index, size) for index, size in enumerate(SIZES)]
    outputs = [look_up(data, ops=2) for data in inputs]
    answer = holder.run(iterations=3, seed=seed)
    assert answer.input_crc32 == zlib.crc32(b"".join(inputs))
    assert answer.output_crc32 == zlib.crc32(b"".join(outputs))
    assert answer.unstable_at == NO_INDEX
    assert answer.iterations == len(answer.ticks) == 3
    assert all(0 < ticks < 1e9 for ticks in answer.ticks)
    for index, expected in enumerate(outputs):
        assert holder.output(index, len(expected)) == expected


def test_sent_inputs_give_their_outputs(holder: Client) -> None:
    holder.upload(lookup_plan(SIZES, ops=2))
    inputs = [bytes(i * 37 % 256 for i in range(size)) for size in SIZES]
    for index in (2, 0, 1):
        holder.send_input(index, inputs[index])
    answer = holder.run(iterations=5, input_source=SENT)
    assert answer.input_crc32 == zlib.crc32(b"".join(inputs))
    assert answer.output_crc32 == zlib.crc32(b"".join(look_up(data, 2) for data in inputs))
    # Nothing overwrote them: they may be used again, until others are drawn.
    assert holder.run(input_source=SENT).input_crc32 == answer.input_crc32
    holder.run()
    with refused(ErrorCode.INPUT_STALE):
        holder.run(input_source=SENT)


def test_a_sent_run_needs_every_input_whole(holder: Client) -> None:
    holder.upload(lookup_plan((10, 20)))
    with refused(ErrorCode.INPUT_STALE) as refusal:
        holder.run(input_source=SENT)
    assert refusal.value.answer.index == 0
    holder.send_input(0, bytes(10))
    holder.send_input(1, bytes(19))
    with refused(ErrorCode.INPUT_STALE) as refusal:
        holder.run(input_source=SENT)
    assert refusal.value.answer.index == 1
    last = holder.ask(MessageType.INPUT, index=1, offset=19, data=b"z")
    assert last.next_offset == 20
    holder.run(input_source=SENT)
    # Offset 0 begins anew.
    holder.send_input(1, bytes(5))
    with refused(ErrorCode.INPUT_STALE):
        holder.run(input_source=SENT)


def test_a_gap_in_an_input_is_asked_for_again(holder: Client) -> None:
    holder.upload(lookup_plan((64,)))
    holder.send_input(0, bytes(16))
    assert holder.ask(MessageType.INPUT, index=0, offset=32, data=b"late").next_offset == 16
    assert holder.arena(32, 4) != b"late"


def test_an_overwritten_input_is_stale_after_one_run(holder: Client) -> None:
    plan = in_place_plan(64)
    holder.upload(plan)
    data = bytes(range(64))
    holder.send_input(0, data)
    with refused(ErrorCode.INPUT_STALE):
        holder.run(iterations=2, input_source=SENT)
    answer = holder.run(input_source=SENT)
    assert answer.output_crc32 == zlib.crc32(look_up(data, ops=1))
    with refused(ErrorCode.INPUT_STALE):
        holder.run(input_source=SENT)
    # Drawn inputs are drawn again before each iteration.
    drawn = holder.run(iterations=4, seed=9)
    assert drawn.output_crc32 == zlib.crc32(look_up(draw_input(9, 0, 64), ops=1))
    assert drawn.unstable_at == NO_INDEX


def test_inputs_of_another_session_are_stale(holder: Client) -> None:
    holder.upload(lookup_plan((8,)))
    holder.send_input(0, bytes(8))
    holder.release()
    other = Client(holder.agent, session=99)
    other.take()
    with refused(ErrorCode.INPUT_STALE):
        other.run(input_source=SENT)


@pytest.mark.parametrize(
    ("index", "offset", "size", "code"),
    [
        (2, 0, 1, ErrorCode.BAD_INDEX),
        (255, 0, 1, ErrorCode.BAD_INDEX),
        (0, 0, 11, ErrorCode.BAD_RANGE),
        (0, 0, 8000, ErrorCode.BAD_RANGE),
    ],
)
def test_inputs_out_of_bounds(
    holder: Client, index: int, offset: int, size: int, code: ErrorCode
) -> None:
    holder.upload(lookup_plan((10, 20)))
    with refused(code):
        holder.ask(MessageType.INPUT, index=index, offset=offset, data=bytes(size))


def test_a_repeated_run_is_answered_again_not_done_twice(holder: Client) -> None:
    holder.upload(in_place_plan())
    holder.send_input(0, bytes(64))
    request = holder.frame(
        MessageType.RUN, iterations=1, input_source=SENT, seed=0, op_limit=0xFFFF
    )
    # Done twice, it would find its input stale and other ticks.
    first = holder.exchange(request)
    assert holder.exchange(request) == first
    holder.ask(MessageType.PING)
    assert holder.exchange(request) == first
    # So is one that was refused.
    refused_run = holder.frame(MessageType.RUN, iterations=0xFFFF, input_source=1, op_limit=0xFFFF)
    for _ in range(2):
        with refused(ErrorCode.TOO_MANY_ITERATIONS) as refusal:
            holder.exchange(refused_run)
        assert (refusal.value.answer.needed, refusal.value.answer.available) == (0xFFFF, 1000)


@pytest.mark.parametrize(
    "fields",
    [{"iterations": 0}, {"flags": 0x82}, {"input_source": 2}],
    ids=["no iterations", "unknown flag", "unknown source"],
)
def test_runs_that_mean_nothing(holder: Client, fields: dict[str, int]) -> None:
    holder.upload(lookup_plan())
    with refused(ErrorCode.BAD_REQUEST):
        holder.run(**fields)


def test_requests_that_need_a_plan(holder: Client) -> None:
    for kind in (MessageType.RUN, MessageType.INPUT, MessageType.OUTPUT, MessageType.ARENA):
        with refused(ErrorCode.NO_PLAN):
            holder.ask(kind, **({"data": b""} if kind == MessageType.INPUT else {}))


@pytest.mark.parametrize("limit", [0, 1, 2, 3, 4])
def test_op_limit_shows_every_layer(holder: Client, limit: int) -> None:
    plan = lookup_plan((50,), ops=4)
    holder.upload(plan)
    before = holder.arena(0, PLAN_HEADER.parse(plan).arena_bytes)
    holder.run(seed=3, op_limit=limit)
    data = draw_input(3, 0, 50)
    for op, offset in enumerate(arena_offsets(plan)):
        expected = look_up(data, op) if op <= limit else before[offset : offset + 50]
        assert holder.arena(offset, 50) == expected


def test_large_outputs_come_in_pages(holder: Client) -> None:
    size = 20_001
    holder.upload(lookup_plan((size,), ops=1))
    holder.run(seed=8)
    expected = look_up(draw_input(8, 0, size), 1)
    assert holder.output(0, size) == expected
    part = holder.ask(MessageType.OUTPUT, index=0, offset=size - 3, length=100)
    assert part.data == expected[-3:]
    assert holder.ask(MessageType.OUTPUT, index=0, offset=size, length=9).data == b""
    assert holder.ask(MessageType.OUTPUT, index=0, offset=5, length=0).data == b""
    with refused(ErrorCode.BAD_RANGE):
        holder.ask(MessageType.OUTPUT, index=0, offset=size + 1, length=0)
    with refused(ErrorCode.BAD_INDEX):
        holder.ask(MessageType.OUTPUT, index=1, offset=0, length=1)


def test_the_arena_cannot_be_read_beyond(holder: Client) -> None:
    plan = lookup_plan()
    total = holder.upload(plan).arena_bytes
    assert len(holder.ask(MessageType.ARENA, offset=total - 2, length=10).data) == 2
    for offset in (total + 1, 0xFFFFFFFF):
        with refused(ErrorCode.BAD_RANGE):
            holder.ask(MessageType.ARENA, offset=offset, length=1)


def test_arena_high_water_mark(holder: Client) -> None:
    plan = lookup_plan((50,), ops=4)
    arena_bytes = holder.upload(plan).arena_bytes
    offsets = arena_offsets(plan)
    marks = [holder.run(seed=3, op_limit=n).arena_high_water_bytes for n in range(5)]
    for offset, mark in zip(offsets, marks, strict=True):
        # The last bytes written may happen to be those of the pattern.
        assert offset + 45 <= mark <= offset + 50
    assert arena_bytes - 5 <= marks[-1] <= arena_bytes


def test_stack_high_water_mark(holder: Client) -> None:
    holder.upload(lookup_plan())
    assert 500 < holder.run().stack_high_water_bytes < holder.capabilities().stack_bytes


def test_profile_adds_up_and_comes_in_pages(holder: Client) -> None:
    ops = 2_100
    holder.upload(lookup_plan((16,), ops=ops))
    assert holder.ask(MessageType.PROFILE, first_op=0).op_count == 0
    answer = holder.run(flags=RunFlag.PROFILE)
    ticks: list[int] = []
    while len(ticks) < ops:
        page = holder.ask(MessageType.PROFILE, first_op=len(ticks))
        assert (page.op_count, page.first_op) == (ops, len(ticks))
        assert page.ticks
        ticks += page.ticks
    assert 0 < sum(ticks) <= answer.ticks[0]
    assert holder.ask(MessageType.PROFILE, first_op=ops).ticks == []
    with refused(ErrorCode.BAD_INDEX):
        holder.ask(MessageType.PROFILE, first_op=ops + 1)
    # A run without the flag keeps the last profile; an op limit shortens the next.
    holder.run()
    assert holder.ask(MessageType.PROFILE, first_op=2_000).ticks == ticks[2_000:]
    holder.run(flags=RunFlag.PROFILE, op_limit=3)
    assert holder.ask(MessageType.PROFILE, first_op=0).op_count == 3


def test_signs_of_life_between_ops_are_not_timed() -> None:
    with AgentProcess(build_agent("-alive"), "--pool-bytes", "300000") as agent:
        client = Client(agent)
        client.take()
        client.upload(lookup_plan((20_000,), ops=4))
        request = client.frame(MessageType.RUN, iterations=2, input_source=1, seed=1, op_limit=4)
        agent.send(request.to_wire())
        answer = client.answer_to(request)
        seen = [ALIVE_MESSAGE.parse(frame.payload) for frame in client.alive]
        assert [alive.op for alive in seen] == [1, 2, 3, 4, 0, 1, 2, 3, 4]
        assert {alive.op_count for alive in seen} == {4}
        assert answer.output_crc32 == zlib.crc32(look_up(draw_input(1, 0, 20_000), 4))
        assert all(ticks > 0 for ticks in answer.ticks)


def test_the_smallest_board_runs_and_pages() -> None:
    """Every buffer at its smallest, under sanitizers: 96-byte payloads, 4 profiled ops."""
    plan = lookup_plan((60, 61), ops=5)
    with AgentProcess(build_agent("-small"), "--pool-bytes", "8192") as agent:
        client = Client(agent)
        client.take()
        client.upload(plan)
        answer = client.run(iterations=8, seed=2, flags=RunFlag.PROFILE)
        inputs = [draw_input(2, 0, 60), draw_input(2, 1, 61)]
        outputs = [look_up(data, 5) for data in inputs]
        assert answer.output_crc32 == zlib.crc32(b"".join(outputs))
        assert [client.output(0, 60), client.output(1, 61)] == outputs
        assert client.arena(0, 60) == inputs[0]
        profile = client.ask(MessageType.PROFILE, first_op=0)
        assert profile.op_count == len(profile.ticks) == 4
        client.send_input(0, bytes(60))
        with refused(ErrorCode.UNSUPPORTED):
            client.send_input(1, bytes(61))
        with refused(ErrorCode.TOO_MANY_ITERATIONS):
            client.run(iterations=9)


def test_ticks_are_64_bits_wide(holder: Client) -> None:
    holder.upload(lookup_plan())
    request = holder.frame(MessageType.RUN, iterations=2, input_source=1, op_limit=0xFFFF)
    holder.agent.send(request.to_wire())
    payload = holder.agent.receive().payload
    assert len(payload) == 24 + 2 * struct.calcsize("<Q")
