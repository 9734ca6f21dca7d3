"""Uploads: go-back-N, resumption, what is already there, and every refusal."""

from __future__ import annotations

import random
import zlib
from pathlib import Path

import pytest

from protocol.errors import ErrorCode
from protocol.messages import MessageType, Store
from protocol.plan import PLAN_HEADER
from tests.firmware.agent.agent_process import AgentError, AgentProcess, Client, build_agent
from tests.firmware.agent.plans import lookup_plan, with_header
from tests.firmware.agent.test_session import refused

CHUNK_BYTES = 300
GUARDS_BYTES = 32
LEAST_ARENA_BYTES = 1024


def chunk(client: Client, plan: bytes, offset: int, count: int = CHUNK_BYTES) -> int:
    data = plan[offset : offset + count]
    answer = client.ask(MessageType.PLAN_CHUNK, offset=offset, data=data)
    return int(answer.next_offset)


def test_an_upload_ends_with_a_checked_plan(holder: Client) -> None:
    plan = lookup_plan(sizes=(100,), ops=3)
    begun = holder.begin(plan)
    assert begun.next_offset == 0
    assert begun.window == 8
    assert begun.chunk_bytes == 8192 - 4
    ended = holder.upload(plan)
    assert ended.arena_bytes == PLAN_HEADER.parse(plan).arena_bytes == 400
    assert (ended.op_count, ended.tensor_count) == (3, 4)
    taken = -(-len(plan) // 16) * 16
    assert ended.arena_available_bytes == (300_000 - taken - GUARDS_BYTES) // 16 * 16


def test_chunks_lost_doubled_and_reordered_are_asked_for_again(holder: Client) -> None:
    plan = lookup_plan(padding_bytes=9_000)
    holder.begin(plan)
    shuffled = random.Random(1)
    expected = 0
    while expected < len(plan):
        offset = max(0, expected + CHUNK_BYTES * shuffled.choice([-2, -1, 0, 0, 1, 3]))
        answered = chunk(holder, plan, offset)
        if offset == expected:
            expected = min(len(plan), expected + CHUNK_BYTES)
        assert answered == expected
    assert holder.ask(MessageType.PLAN_END).op_count == 3


def test_a_window_of_chunks_may_be_unanswered(holder: Client) -> None:
    plan = lookup_plan(padding_bytes=9_000)
    holder.begin(plan)
    frames = [
        holder.frame(MessageType.PLAN_CHUNK, offset=o, data=plan[o : o + CHUNK_BYTES])
        for o in range(0, len(plan), CHUNK_BYTES)
    ]
    holder.agent.send(b"".join(frame.to_wire() for frame in frames))
    answers = [holder.answer_to(frame).next_offset for frame in frames]
    assert answers == [*range(CHUNK_BYTES, len(plan), CHUNK_BYTES), len(plan)]
    holder.ask(MessageType.PLAN_END)


def test_an_upload_is_resumed_even_by_another_session(holder: Client) -> None:
    plan = lookup_plan(padding_bytes=2_000)
    holder.begin(plan)
    chunk(holder, plan, 0)
    holder.release()
    other = Client(holder.agent, session=99)
    other.take()
    assert other.begin(plan).next_offset == CHUNK_BYTES
    assert other.upload(plan).op_count == 3


def test_another_plan_starts_afresh(holder: Client) -> None:
    first, second = lookup_plan(padding_bytes=2_000), lookup_plan(padding_bytes=2_001)
    holder.begin(first)
    chunk(holder, first, 0)
    assert holder.begin(second).next_offset == 0
    assert holder.begin(first).next_offset == 0


def test_what_is_there_is_not_sent_again(holder: Client) -> None:
    plan = lookup_plan()
    holder.upload(plan)
    assert holder.begin(plan).next_offset == len(plan)
    assert holder.ask(MessageType.PLAN_END).op_count == 3
    # The same size and another checksum is another plan.
    assert holder.begin(plan, crc32=1).next_offset == 0


def test_a_plan_in_flash_outlives_a_reset(tmp_path: Path) -> None:
    plan = lookup_plan()
    flash = ("--flash-file", str(tmp_path / "flash"), "--flash-bytes", "65536")
    with AgentProcess(build_agent(), "--pool-bytes", "8192", *flash) as agent:
        client = Client(agent)
        stores = {store.store: store.capacity_bytes for store in client.capabilities().stores}
        assert stores == {Store.RAM: 8192 - LEAST_ARENA_BYTES, Store.FLASH: 65536}
        client.take()
        assert client.upload(plan, Store.FLASH).arena_available_bytes == 8192 - GUARDS_BYTES
        expected = client.run(seed=5).output_crc32
        client.ask(MessageType.RESET)
        client.take()
        with refused(ErrorCode.NO_PLAN):
            client.run()
        assert client.begin(plan, Store.FLASH).next_offset == len(plan)
        client.ask(MessageType.PLAN_END)
        assert client.run(seed=5).output_crc32 == expected
        # A plan in RAM does not touch the one in flash.
        client.upload(lookup_plan(ops=2))
        assert client.begin(plan, Store.FLASH).next_offset == len(plan)


def test_no_plan_remains_once_another_is_begun(holder: Client) -> None:
    holder.upload(lookup_plan())
    holder.begin(lookup_plan(ops=2))
    with refused(ErrorCode.NO_PLAN):
        holder.run()


def test_a_wrong_checksum_is_refused_until_sent_anew(holder: Client) -> None:
    plan = lookup_plan()
    damaged = bytearray(plan)
    damaged[200] ^= 1
    holder.begin(plan)
    chunk(holder, bytes(damaged), 0, len(plan))
    for _ in range(2):
        with refused(ErrorCode.UPLOAD_CHECKSUM):
            holder.ask(MessageType.PLAN_END)
    assert holder.begin(plan).next_offset == 0
    assert holder.upload(plan).op_count == 3


def test_an_end_before_the_last_byte_names_what_is_missing(holder: Client) -> None:
    plan = lookup_plan()
    holder.begin(plan)
    chunk(holder, plan, 0)
    with refused(ErrorCode.BAD_RANGE) as refusal:
        holder.ask(MessageType.PLAN_END)
    assert refusal.value.answer.needed == len(plan)
    assert refusal.value.answer.available == CHUNK_BYTES
    assert chunk(holder, plan, CHUNK_BYTES, len(plan)) == len(plan)
    holder.ask(MessageType.PLAN_END)


def test_chunks_and_ends_need_a_begin(holder: Client) -> None:
    with refused(ErrorCode.NO_UPLOAD):
        chunk(holder, b"x", 0)
    with refused(ErrorCode.NO_UPLOAD):
        holder.ask(MessageType.PLAN_END)


def test_chunks_never_reach_past_the_announced_size(holder: Client) -> None:
    plan = lookup_plan()
    holder.begin(plan)
    with refused(ErrorCode.BAD_RANGE):
        chunk(holder, plan + b"!", 0, len(plan) + 1)
    assert chunk(holder, plan, 0, len(plan)) == len(plan)
    with refused(ErrorCode.BAD_RANGE):
        holder.ask(MessageType.PLAN_CHUNK, offset=len(plan), data=b"!")


@pytest.mark.parametrize("store", [Store.FLASH, 0, 77])
def test_a_store_that_is_not_there(holder: Client, store: int) -> None:
    with refused(ErrorCode.BAD_STORE):
        holder.begin(lookup_plan(), store)  # type: ignore[arg-type]  # on purpose


def test_a_plan_larger_than_the_store(holder: Client) -> None:
    capacity = 300_000 - LEAST_ARENA_BYTES
    with refused(ErrorCode.STORE_TOO_SMALL) as refusal:
        holder.begin(b"", size_bytes=capacity + 1)
    assert refusal.value.answer.needed == capacity + 1
    assert refusal.value.answer.available == capacity
    assert holder.begin(b"", size_bytes=capacity).next_offset == 0


@pytest.mark.parametrize("size", [300_000, 0xFFFFFFF0])
def test_an_arena_larger_than_the_board(holder: Client, size: int) -> None:
    plan = with_header(lookup_plan(), arena_bytes=size)
    with refused(ErrorCode.ARENA_TOO_SMALL) as refusal:
        holder.upload(plan)
    taken = -(-len(plan) // 16) * 16
    assert refusal.value.answer.needed == size
    assert refusal.value.answer.available == (300_000 - taken - GUARDS_BYTES) // 16 * 16


def test_the_runtime_says_what_is_wrong_with_a_plan(holder: Client) -> None:
    plan = lookup_plan(ops=3)
    refusals: dict[ErrorCode, bytes] = {
        ErrorCode.PLAN_SIZE: plan[:20],
        ErrorCode.PLAN_MAGIC: with_header(plan, magic=1),
        ErrorCode.PLAN_VERSION: with_header(plan, version_major=2),
        ErrorCode.PLAN_CHECKSUM: plan[:-1] + bytes([plan[-1] ^ 1]),
        ErrorCode.PLAN_OP_KIND: with_op_kind(plan, 1, 99),
    }
    for code, broken in refusals.items():
        for _ in range(2):
            with pytest.raises(AgentError) as refusal:
                holder.upload(broken)
            assert refusal.value.code == code
            assert refusal.value.answer.index == (1 if code == ErrorCode.PLAN_OP_KIND else 0xFFFF)
        with refused(ErrorCode.NO_PLAN):
            holder.run()
    assert holder.upload(plan).op_count == 3


def with_op_kind(plan: bytes, index: int, kind: int) -> bytes:
    header = PLAN_HEADER.parse(plan)
    at = header.ops_offset + index * (header.ops_bytes // header.op_count)
    return with_header(plan[:at] + bytes([kind]) + plan[at + 1 :])


def test_an_empty_plan_is_no_plan(holder: Client) -> None:
    assert holder.begin(b"").next_offset == 0
    with refused(ErrorCode.PLAN_SIZE):
        holder.ask(MessageType.PLAN_END)


def test_garbage_of_a_plans_size(holder: Client) -> None:
    garbage = random.Random(3).randbytes(5_000)
    assert zlib.crc32(garbage)
    with refused(ErrorCode.PLAN_MAGIC):
        holder.upload(garbage)
