"""Every check of a plan's ops by itself: one thing wrong, one error code."""

from __future__ import annotations

import struct
from collections.abc import Callable

import pytest

from protocol.errors import ErrorCode as E
from protocol.plan import PLAN_HEADER, PlanDType, PlanOp
from tests.support.jr_runner import JrRunner
from tests.support.plan_builder import PlanBuilder, with_crc
from tests.support.plan_editor import (
    edit_bytes,
    edit_header,
    edit_op,
    edit_params,
    edit_tensor,
    params_of,
)
from tests.support.sample_plans import arena_bytes_of, sample_plans

PLANS = sample_plans()
HUGE = 0xFFFFFFFF
NO_INDEX = 0xFFFF

CONV_EXTENTS = (
    "batch",
    "input_h",
    "input_w",
    "input_c",
    "output_h",
    "output_w",
    "output_c",
    "kernel_h",
    "kernel_w",
    "groups",
    "stride_h",
    "stride_w",
    "dilation_h",
    "dilation_w",
)
POOL_EXTENTS = (
    "batch",
    "input_h",
    "input_w",
    "channels",
    "output_h",
    "output_w",
    "window_h",
    "window_w",
    "stride_h",
    "stride_w",
)

Edit = Callable[[bytes], bytes]


def set_words(field: str, *values: int) -> Edit:
    """Overwrites the int32 data that parameter ``field`` points to."""
    return lambda p: edit_bytes(p, params_of(p)[field], struct.pack(f"<{len(values)}i", *values))


def set_bytes(field: str, content: bytes) -> Edit:
    return lambda p: edit_bytes(p, params_of(p)[field], content)


def op(**changes: int) -> Edit:
    return lambda p: edit_op(p, **changes)


def params(**changes: object) -> Edit:
    return lambda p: edit_params(p, **changes)


OPS: list[tuple[str, str, E, Edit]] = [
    # The record
    ("conv_padded", "kind 0", E.PLAN_OP_KIND, op(kind=0)),
    ("conv_padded", "kind 20", E.PLAN_OP_KIND, op(kind=20)),
    ("conv_padded", "record too long", E.PLAN_OP_RECORD, op(record_bytes=0xFFFC)),
    ("conv_padded", "record too short", E.PLAN_OP_RECORD, op(record_bytes=80)),
    ("conv_padded", "record of 0 bytes", E.PLAN_OP_RECORD, op(record_bytes=0)),
    ("conv_padded", "record alignment", E.PLAN_OP_RECORD, op(record_bytes=82)),
    ("conv_padded", "parameters in the header", E.PLAN_OP_RECORD, op(params_offset=0)),
    ("conv_padded", "parameters behind it", E.PLAN_OP_RECORD, op(params_offset=24)),
    ("conv_padded", "parameter alignment", E.PLAN_OP_RECORD, op(params_offset=18)),
    ("conv_padded", "too many tensors", E.PLAN_OP_RECORD, op(input_count=255)),
    ("conv_padded", "two inputs", E.PLAN_OP_RECORD, op(input_count=2, params_offset=24)),
    ("conv_padded", "no input", E.PLAN_OP_RECORD, op(input_count=0)),
    ("conv_padded", "no output", E.PLAN_OP_RECORD, op(output_count=0)),
    ("concatenation", "no input", E.PLAN_OP_RECORD, op(input_count=0)),
    ("conv_padded", "scratch alignment", E.PLAN_ALIGNMENT, op(scratch_offset=8)),
    ("conv_padded", "scratch outside", E.PLAN_SCRATCH, op(scratch_bytes=HUGE)),
    ("conv_padded", "scratch on the input", E.PLAN_SCRATCH, op(scratch_offset=0)),
    ("conv_padded", "scratch on the output", E.PLAN_SCRATCH, op(scratch_offset=96)),
    ("conv_in_place", "scratch below a pixel", E.PLAN_SCRATCH, op(scratch_bytes=7)),
    # CONV_2D, DEPTHWISE_CONV_2D
    *[
        (plan, f"{name} 0", E.PLAN_PARAMETER, params(**{name: 0}))
        for plan in ("conv_padded", "depthwise")
        for name in CONV_EXTENTS
    ],
    ("conv_grouped", "groups", E.PLAN_PARAMETER, params(groups=4)),
    ("conv_padded", "groups of outputs", E.PLAN_PARAMETER, params(groups=3)),
    ("depthwise", "groups", E.PLAN_PARAMETER, params(groups=1)),
    (
        "conv_padded",
        "far dilation",
        E.PLAN_PARAMETER,
        params(kernel_h=0xFFFF, dilation_h=0xFFFF),
    ),
    ("conv_padded", "far stride", E.PLAN_PARAMETER, params(output_w=0xFFFF, stride_w=0xFFFF)),
    ("conv_padded", "pad value", E.PLAN_PARAMETER, params(pad_value=128)),
    ("conv_padded", "zero point", E.PLAN_PARAMETER, params(output_zero_point=-129)),
    ("conv_padded", "activation", E.PLAN_PARAMETER, params(activation_min=5, activation_max=4)),
    ("conv_padded", "activation range", E.PLAN_PARAMETER, params(activation_max=128)),
    ("conv_padded", "input size", E.PLAN_SHAPE, params(input_h=6)),
    ("conv_padded", "output size", E.PLAN_SHAPE, params(output_h=4)),
    ("conv_padded", "weights outside", E.PLAN_DATA, params(weights_offset=HUGE - 7)),
    ("conv_padded", "weights too many", E.PLAN_DATA, params(kernel_h=400)),
    ("conv_padded", "weights alignment", E.PLAN_ALIGNMENT, params(weights_offset=4)),
    ("conv_padded", "bias outside", E.PLAN_DATA, params(bias_offset=HUGE - 3)),
    ("conv_padded", "bias alignment", E.PLAN_ALIGNMENT, params(bias_offset=2)),
    ("conv_padded", "multipliers outside", E.PLAN_DATA, params(multipliers_offset=HUGE - 3)),
    ("conv_padded", "shifts outside", E.PLAN_DATA, params(shifts_offset=HUGE)),
    ("conv_padded", "multiplier", E.PLAN_PARAMETER, set_words("multipliers_offset", -1)),
    ("conv_padded", "shift left", E.PLAN_PARAMETER, set_bytes("shifts_offset", b"\x1f")),
    ("conv_padded", "shift right", E.PLAN_PARAMETER, set_bytes("shifts_offset", b"\xe0")),
    (
        "conv_padded",
        "output on input",
        E.PLAN_TENSOR,
        lambda p: edit_tensor(p, 1, arena_offset=0),
    ),
    (
        "conv_in_place",
        "shifted in place",
        E.PLAN_TENSOR,
        lambda p: edit_tensor(p, 1, arena_offset=4),
    ),
    ("conv_in_place", "in place with stride", E.PLAN_TENSOR, params(stride_w=2)),
    ("conv_in_place", "in place with padding", E.PLAN_TENSOR, params(pad_top=1)),
    # FULLY_CONNECTED
    *[
        ("fully_connected", f"{name} 0", E.PLAN_PARAMETER, params(**{name: 0}))
        for name in ("batch", "inputs", "outputs", "channels")
    ],
    ("fully_connected", "channels", E.PLAN_PARAMETER, params(channels=2)),
    ("fully_connected", "inputs", E.PLAN_SHAPE, params(inputs=11)),
    ("fully_connected", "outputs", E.PLAN_SHAPE, params(outputs=0x80000000)),
    ("fully_connected", "weights", E.PLAN_DATA, params(weights_offset=HUGE - 7)),
    ("fully_connected", "weights alignment", E.PLAN_ALIGNMENT, params(weights_offset=68)),
    ("fully_connected", "zero point", E.PLAN_PARAMETER, params(output_zero_point=1 << 30)),
    # CONV_2D_INT4, FULLY_CONNECTED_INT4: half the bytes, and scratch to unpack them in
    ("conv_2d_int4", "scratch below a row", E.PLAN_SCRATCH, op(scratch_bytes=27)),
    ("conv_2d_int4", "no scratch", E.PLAN_SCRATCH, op(scratch_bytes=0)),
    ("conv_2d_int4_in_place", "scratch below row and pixel", E.PLAN_SCRATCH, op(scratch_bytes=23)),
    ("conv_2d_int4", "weights alignment", E.PLAN_ALIGNMENT, params(weights_offset=4)),
    ("fully_connected_int4", "inputs", E.PLAN_SHAPE, params(inputs=11)),
    ("fully_connected_int4", "channels", E.PLAN_PARAMETER, params(channels=2)),
    # ADD, MUL
    ("add", "left shift", E.PLAN_PARAMETER, params(left_shift=19)),
    ("add", "input shift", E.PLAN_PARAMETER, params(input1_shift=1)),
    ("add", "output shift", E.PLAN_PARAMETER, params(output_shift=1)),
    ("add", "input multiplier", E.PLAN_PARAMETER, params(input2_multiplier=-1)),
    ("mul", "output multiplier", E.PLAN_PARAMETER, params(output_multiplier=-1)),
    ("mul", "output shift", E.PLAN_PARAMETER, params(output_shift=31)),
    ("mul", "input offset", E.PLAN_PARAMETER, params(input1_offset=129)),
    ("mul", "input offset", E.PLAN_PARAMETER, params(input2_offset=-128)),
    ("mul", "dims 0", E.PLAN_SHAPE, params(dims=[0, 4, 5, 3])),
    ("mul", "dims", E.PLAN_SHAPE, params(dims=[2, 4, 5, 3])),
    ("mul", "dims overflow", E.PLAN_SHAPE, params(dims=[1 << 31, 2, 1, 60])),
    ("mul", "stride", E.PLAN_SHAPE, params(input1_strides=[60, 15, 3, 2])),
    ("mul", "stride overflow", E.PLAN_SHAPE, params(input2_strides=[60, 15, 3, 1 << 31])),
    ("mul_broadcast", "broadcast over its end", E.PLAN_SHAPE, params(input2_strides=[0, 0, 1, 1])),
    (
        "mul_broadcast",
        "in place of the smaller input",
        E.PLAN_TENSOR,
        lambda p: edit_header(edit_tensor(p, 2, arena_offset=60), arena_bytes=180),
    ),
    # Pools
    *[("max_pool_2d", f"{name} 0", E.PLAN_PARAMETER, params(**{name: 0})) for name in POOL_EXTENTS],
    ("average_pool_2d", "window in the padding", E.PLAN_PARAMETER, params(pad_top=3)),
    ("average_pool_2d", "window behind the end", E.PLAN_PARAMETER, params(stride_h=3)),
    ("average_pool_2d", "window behind the end", E.PLAN_PARAMETER, params(pad_left=-4)),
    ("average_pool_2d", "window", E.PLAN_PARAMETER, params(window_h=0xFFFF, window_w=129)),
    ("average_pool_2d", "input size", E.PLAN_SHAPE, params(input_w=5)),
    ("average_pool_2d", "output size", E.PLAN_SHAPE, params(output_w=1)),
    ("average_pool_2d", "activation", E.PLAN_PARAMETER, params(activation_min=-129)),
    # SOFTMAX
    ("softmax", "rows 0", E.PLAN_PARAMETER, params(rows=0)),
    ("softmax", "depth 0", E.PLAN_PARAMETER, params(depth=0)),
    ("softmax", "depth", E.PLAN_PARAMETER, params(depth=8192)),
    ("softmax", "size", E.PLAN_SHAPE, params(rows=4)),
    ("softmax", "no table", E.PLAN_PARAMETER, params(table_entries=0)),
    ("softmax", "long table", E.PLAN_PARAMETER, params(table_entries=257)),
    ("softmax", "table outside", E.PLAN_DATA, params(table_offset=HUGE - 3)),
    ("softmax", "table alignment", E.PLAN_ALIGNMENT, params(table_offset=66)),
    ("softmax", "sum of 0", E.PLAN_PARAMETER, set_words("table_offset", 2047)),
    ("softmax", "negative entry", E.PLAN_PARAMETER, set_words("table_offset", 1 << 30, -1)),
    # The others
    ("logistic", "count", E.PLAN_SHAPE, params(count=22)),
    ("quantize", "table", E.PLAN_DATA, params(table_offset=HUGE - 255)),
    ("pad", "value", E.PLAN_PARAMETER, params(value=-129)),
    ("pad", "dims", E.PLAN_SHAPE, params(dims=[1, 1, 1, 3, 4, 3])),
    ("pad", "before", E.PLAN_SHAPE, params(before=[0, 0, 0, 2, 0, 1])),
    ("pad", "after overflow", E.PLAN_SHAPE, params(after=[HUGE, 0, 0, 2, 1, 0])),
    ("mean", "kept", E.PLAN_SHAPE, params(kept_dims=[1, 1, 1, 1, 2, 6])),
    ("mean", "reduced", E.PLAN_SHAPE, params(reduced_dims=[1, 1, 1, 1, 3, 5])),
    ("mean", "stride", E.PLAN_SHAPE, params(reduced_strides=[0, 0, 0, 0, 20, 6])),
    ("mean", "multiplier", E.PLAN_PARAMETER, params(multiplier=-1)),
    ("mean", "shift", E.PLAN_PARAMETER, params(shift=31)),
    ("mean", "zero point", E.PLAN_PARAMETER, params(input_zero_point=1 << 20)),
    ("concatenation", "outer 0", E.PLAN_PARAMETER, params(outer=0)),
    ("concatenation", "outer", E.PLAN_SHAPE, params(outer=8)),
    ("transpose", "dims", E.PLAN_SHAPE, params(dims=[1, 1, 1, 4, 2, 4])),
    ("transpose", "stride", E.PLAN_SHAPE, params(input_strides=[0, 0, 0, 1, 12, 5])),
    ("constant", "size", E.PLAN_SHAPE, params(size_bytes=11)),
    ("constant", "data", E.PLAN_DATA, params(data_offset=HUGE)),
    ("reshape", "size", E.PLAN_SHAPE, params(size_bytes=16)),
]


@pytest.mark.parametrize(
    ("name", "code", "edit"),
    [(o[0], o[2], o[3]) for o in OPS],
    ids=[f"{o[0]}: {o[1]}" for o in OPS],
)
def test_op(runner: JrRunner, name: str, code: E, edit: Edit) -> None:
    plan = edit(PLANS[name])
    report = runner.load(plan, arena_bytes_of(plan))
    assert (E(report.code), report.index) == (code, 0)


@pytest.mark.parametrize(
    ("name", "weights_bytes"),
    [
        ("conv_padded", 4 * 28),
        ("fully_connected", 6 * 12),
        ("conv_2d_int4", 4 * 16),
        ("conv_2d_int4_in_place", 5 * 8),
        ("fully_connected_int4", 6 * 8),
        ("fully_connected_int4_per_channel", 5 * 4),
    ],
)
def test_weights_may_end_where_the_plan_does(
    runner: JrRunner, name: str, weights_bytes: int
) -> None:
    plan = PLANS[name] + bytes(-len(PLANS[name]) % 8)
    for missing, code in ((0, E.OK), (4, E.PLAN_DATA)):
        longer = plan + bytes(weights_bytes - missing)
        longer = edit_header(longer, total_bytes=len(longer))
        longer = edit_params(longer, weights_offset=len(plan))
        assert E(runner.load(longer, arena_bytes_of(plan)).code) is code


def test_op_names_a_tensor_that_is_there(runner: JrRunner) -> None:
    plan = PLANS["reshape"]
    position = PLAN_HEADER.parse(plan).ops_offset + 16
    for indices in ((2, 1), (0, 2), (0xFFFF, 1)):
        damaged = edit_bytes(plan, position, struct.pack("<2H", *indices))
        assert E(runner.load(damaged, arena_bytes_of(plan)).code) is E.PLAN_OP_RECORD


@pytest.mark.parametrize("wide", ["input", "output"])
def test_op_has_no_kernel_for_other_dtypes(runner: JrRunner, wide: str) -> None:
    b = PlanBuilder()
    dtypes = (
        (PlanDType.INT32, PlanDType.INT8) if wide == "input" else (PlanDType.INT8, PlanDType.INT32)
    )
    source, result = (b.tensor((4,), dtype) for dtype in dtypes)
    b.op(PlanOp.RESHAPE, [source], [result], {"size_bytes": 16})
    report = runner.load(b.build(), b.arena_bytes)
    assert (E(report.code), report.index) == (E.PLAN_DTYPE, 0)


def test_the_fault_names_the_op(runner: JrRunner) -> None:
    b = PlanBuilder()
    tensors = [b.tensor((8,)) for _ in range(4)]
    for i, size in enumerate((8, 8, 9)):
        b.op(PlanOp.RESHAPE, [tensors[i]], [tensors[i + 1]], {"size_bytes": size})
    report = runner.load(with_crc(b.build()), b.arena_bytes)
    assert (E(report.code), report.index) == (E.PLAN_SHAPE, 2)
