"""What the agent does by itself with a plan in flash that has a self-test record behind it."""

from __future__ import annotations

import random
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from protocol.capabilities import StartCheck
from protocol.errors import ErrorCode
from protocol.generator import draw_input
from protocol.messages import MessageType, Store
from protocol.plan import PLAN_HEADER, PLAN_SELF_TEST, SELF_TEST_MAGIC
from tests.firmware.agent.agent_process import AgentProcess, Client, build_agent
from tests.firmware.agent.plans import look_up, lookup_plan, with_header
from tests.firmware.agent.test_session import refused

FLASH_BYTES = 65536
SEED, SIZE, OPS = 9, 100, 3
PLAN = lookup_plan((SIZE,), OPS)
CRC32 = int(PLAN_HEADER.parse(PLAN).crc32)
OUTPUT_CRC32 = zlib.crc32(look_up(draw_input(SEED, 0, SIZE), OPS))


def record(**fields: int) -> bytes:
    values = {
        "magic": SELF_TEST_MAGIC,
        "plan_crc32": CRC32,
        "seed": SEED,
        "output_crc32": OUTPUT_CRC32,
        **fields,
    }
    return bytes(PLAN_SELF_TEST.build(values))


def flash(plan: bytes = PLAN, behind: bytes | None = None) -> bytes:
    """A plan and, 16-byte aligned, what is behind it."""
    return plan + b"\xff" * (-len(plan) % 16) + (record() if behind is None else behind)


@contextmanager
def started(folder: Path, content: bytes, *options: str) -> Iterator[Client]:
    path = folder / "flash"
    path.write_bytes(content.ljust(FLASH_BYTES, b"\xff"))
    store = ["--flash-file", str(path), "--flash-bytes", str(FLASH_BYTES)]
    with AgentProcess(build_agent(), "--pool-bytes", "8192", *store, *options) as agent:
        client = Client(agent)
        client.take()
        yield client


@pytest.mark.parametrize("options", [(), ("--flash-programmed",)], ids=["session", "programmer"])
def test_a_plan_that_answers_right_is_loaded(tmp_path: Path, options: tuple[str, ...]) -> None:
    with started(tmp_path, flash(), *options) as client:
        assert client.capabilities().start_check == StartCheck(Store.FLASH, 0, CRC32)
        assert client.run(seed=SEED).output_crc32 == OUTPUT_CRC32
        client.ask(MessageType.RESET)
        client.take()
        assert client.run(seed=SEED).output_crc32 == OUTPUT_CRC32
        assert client.begin(PLAN, Store.FLASH).next_offset == len(PLAN)
        client.ask(MessageType.PLAN_END)
        assert client.run(seed=SEED).output_crc32 == OUTPUT_CRC32


def test_inputs_that_were_drawn_for_the_check_are_stale(tmp_path: Path) -> None:
    with started(tmp_path, flash()) as client, refused(ErrorCode.INPUT_STALE):
        client.run(input_source=0)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (flash(behind=record(output_crc32=OUTPUT_CRC32 ^ 1)), ErrorCode.PLAN_SELF_TEST),
        (flash(behind=record(seed=SEED + 1)), ErrorCode.PLAN_SELF_TEST),
        (flash(PLAN[:-1] + bytes([PLAN[-1] ^ 1])), ErrorCode.PLAN_CHECKSUM),
        (flash(with_header(PLAN, arena_bytes=1 << 20), None), ErrorCode.ARENA_TOO_SMALL),
    ],
    ids=["output", "seed", "bit", "arena"],
)
def test_a_plan_that_does_not_is_not_loaded(
    tmp_path: Path, content: bytes, code: ErrorCode
) -> None:
    crc32 = int(PLAN_HEADER.parse(content).crc32)
    if crc32 != CRC32:  # the record is of the plan as it is
        content = content[: len(flash()) - 16] + record(plan_crc32=crc32)
    with started(tmp_path, content) as client:
        assert client.capabilities().start_check == StartCheck(Store.FLASH, code, crc32)
        with refused(ErrorCode.NO_PLAN):
            client.run()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        flash(behind=b""),
        flash(behind=record(plan_crc32=CRC32 ^ 1)),
        flash(behind=record(magic=SELF_TEST_MAGIC ^ 1)),
        flash(behind=b"\xff" * 16 + record()),
        with_header(PLAN, total_bytes=0) + record(),
        with_header(PLAN, total_bytes=0xFFFFFFF0) + record(),
        with_header(PLAN, total_bytes=FLASH_BYTES) + record(),
        with_header(PLAN, total_bytes=FLASH_BYTES - 16).ljust(FLASH_BYTES - 16) + record(),
    ],
)
def test_without_a_record_of_this_plan_nothing_is_done(tmp_path: Path, content: bytes) -> None:
    with started(tmp_path, content[:FLASH_BYTES]) as client:
        assert client.capabilities().start_check is None
        with refused(ErrorCode.NO_PLAN):
            client.run()


@pytest.mark.parametrize("seed", range(12))
def test_damaged_flash_ends_in_an_answer(tmp_path: Path, seed: int) -> None:
    """Under sanitizers: whatever is there, the agent starts and says what became of it."""
    generator = random.Random(seed)
    content = bytearray(flash())
    for _ in range(generator.randrange(1, 8)):
        content[generator.randrange(len(content))] = generator.randrange(256)
    with started(tmp_path, bytes(content)) as client:
        check = client.capabilities().start_check
        if check is None or check.code != 0:
            with refused(ErrorCode.NO_PLAN):
                client.run()
