"""Every check of a plan's header and tensors by itself: one thing wrong, one error code."""

from __future__ import annotations

import struct
from collections.abc import Callable

import pytest

from protocol.errors import ErrorCode as E
from protocol.plan import PlanDType
from tests.support.jr_runner import JrRunner
from tests.support.plan_builder import PlanBuilder
from tests.support.plan_editor import (
    edit_bytes,
    edit_header,
    edit_io,
    edit_tensor,
)
from tests.support.sample_plans import arena_bytes_of, sample_plans

PLANS = sample_plans()
HUGE = 0xFFFFFFFF
NO_INDEX = 0xFFFF

Edit = Callable[[bytes], bytes]

CONTAINER: list[tuple[str, E, Edit]] = [
    ("empty", E.PLAN_SIZE, lambda p: b""),
    ("cut in the header", E.PLAN_SIZE, lambda p: p[:63]),
    ("cut at the end", E.PLAN_SIZE, lambda p: p[:-1]),
    ("longer than it says", E.PLAN_SIZE, lambda p: p + b"\0"),
    ("short header", E.PLAN_SIZE, lambda p: edit_header(p, header_bytes=60)),
    ("magic", E.PLAN_MAGIC, lambda p: edit_header(p, magic=0)),
    ("major version", E.PLAN_VERSION, lambda p: edit_header(p, version_major=2)),
    ("minor version", E.PLAN_VERSION, lambda p: edit_header(p, version_minor=1)),
    ("checksum", E.PLAN_CHECKSUM, lambda p: p[:-1] + bytes([p[-1] ^ 1])),
    ("arena", E.ARENA_TOO_SMALL, lambda p: edit_header(p, arena_bytes=HUGE)),
    ("layout", E.PLAN_LAYOUT, lambda p: edit_header(p, weight_layout=2)),
    ("persistent part", E.PLAN_TENSOR, lambda p: edit_header(p, persistent_bytes=HUGE)),
    ("tensor table offset", E.PLAN_TABLE, lambda p: edit_header(p, tensors_offset=HUGE - 3)),
    ("tensor table length", E.PLAN_TABLE, lambda p: edit_header(p, tensor_count=0xFFFF)),
    ("tensor table alignment", E.PLAN_ALIGNMENT, lambda p: edit_header(p, tensors_offset=66)),
    ("op table offset", E.PLAN_TABLE, lambda p: edit_header(p, ops_offset=len(p) + 4 & ~3)),
    ("op table length", E.PLAN_TABLE, lambda p: edit_header(p, ops_bytes=HUGE)),
    ("contract", E.PLAN_TABLE, lambda p: edit_header(p, input_count=0xFFFF)),
    ("strings", E.PLAN_TABLE, lambda p: edit_header(p, strings_bytes=HUGE)),
]


@pytest.mark.parametrize(
    ("code", "edit"), [c[1:] for c in CONTAINER], ids=[c[0] for c in CONTAINER]
)
def test_container(runner: JrRunner, code: E, edit: Edit) -> None:
    plan = PLANS["conv_padded"]
    report = runner.load(edit(plan), arena_bytes_of(plan))
    assert (E(report.code), report.index) == (code, NO_INDEX)


def test_an_arena_too_small_says_what_is_needed(runner: JrRunner) -> None:
    plan = PLANS["conv_padded"]
    needed = arena_bytes_of(plan)
    report = runner.load(plan, needed - 1)
    assert E(report.code) is E.ARENA_TOO_SMALL
    assert (report.needed, report.available) == (needed, needed - 1)


# Each is wrong in tensor 1 (or in the contract's record of it) alone.
TENSORS: list[tuple[str, E, Edit]] = [
    ("rank", E.PLAN_TENSOR, lambda p: edit_tensor(p, 1, rank=7)),
    ("dtype", E.PLAN_TENSOR, lambda p: edit_tensor(p, 1, dtype=0)),
    ("size", E.PLAN_TENSOR, lambda p: edit_tensor(p, 1, size_bytes=119)),
    ("size for dtype", E.PLAN_TENSOR, lambda p: edit_tensor(p, 1, dtype=PlanDType.INT32)),
    ("outside the arena", E.PLAN_TENSOR, lambda p: edit_tensor(p, 1, arena_offset=HUGE - 3)),
    ("alignment", E.PLAN_ALIGNMENT, lambda p: edit_tensor(p, 1, arena_offset=2)),
    ("shape outside", E.PLAN_TABLE, lambda p: edit_tensor(p, 1, shape_offset=len(p) & ~3)),
    ("shape alignment", E.PLAN_ALIGNMENT, lambda p: edit_tensor(p, 1, shape_offset=65)),
    ("name", E.PLAN_TABLE, lambda p: edit_io(p, 1, name_bytes=HUGE)),
]


@pytest.mark.parametrize(("code", "edit"), [c[1:] for c in TENSORS], ids=[c[0] for c in TENSORS])
def test_tensor(runner: JrRunner, code: E, edit: Edit) -> None:
    plan = PLANS["conv_padded"]
    report = runner.load(edit(plan), arena_bytes_of(plan))
    assert (E(report.code), report.index) == (code, 1)


def test_contract_names_a_tensor_that_is_there(runner: JrRunner) -> None:
    plan = edit_io(PLANS["add"], 0, tensor=3)
    assert E(runner.load(plan, arena_bytes_of(plan)).code) is E.PLAN_TENSOR


def test_shape_overflow_is_no_small_tensor(runner: JrRunner) -> None:
    """65536 * 65536 elements are 0 modulo 2^32; times 4 they are more than any arena."""
    b = PlanBuilder()
    tensor = b.tensor((2, 2))
    b.inputs = [tensor]
    plan = b.build()
    shape = struct.pack("<2I", 2, 2)
    position = plan.rindex(shape)
    for dims in ((65536, 65536), (65536, 65537), (0x80000001, 2), (0, 4)):
        damaged = edit_bytes(plan, position, struct.pack("<2I", *dims))
        assert E(runner.load(damaged, 4).code) is E.PLAN_TENSOR
