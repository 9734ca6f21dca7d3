"""What an op makes a core do, against counts made element by element."""

from __future__ import annotations

import pytest

from host.compiler import CompileOptions, PlannedOp, compile_graph
from host.models.graph import Graph, OpKind, Padding
from host.targeting.simulate.models import GraphBuilder
from host.targeting.simulate.samples import Sample, describe, planned
from host.targeting.simulate.sweep import Room, sweep
from host.targeting.simulate.work import UNPACKED, work_of
from protocol.plan import PlanOp

ROOM = Room(arena_bytes=20_000, plan_bytes=20_000, macs=200_000)


def _op(graph: Graph, arena_limit_bytes: int | None = None) -> PlannedOp:
    plan = compile_graph(graph, CompileOptions(arena_limit_bytes=arena_limit_bytes))
    return plan.ops[-1]


def _convolution(channels: int, padding: Padding = Padding.SAME) -> Graph:
    build = GraphBuilder(1)
    source = build.input((1, 5, 7, channels))
    return build.build(build.convolution(source, 6, (3, 3), stride=(2, 2), padding=padding))


def _inside(extent: int, outputs: int, before: int) -> int:
    """Of a window of 3 with stride 2, positions inside the input."""
    return sum(0 <= out * 2 - before + tap < extent for out in range(outputs) for tap in range(3))


def test_padding_is_counted_apart_from_the_input() -> None:
    work = work_of(_op(_convolution(channels=4)))
    depth, outputs_c = 4, 6
    inside = _inside(5, 3, 1) * _inside(7, 4, 1) * depth * outputs_c
    assert work.counts["mac"] == inside
    assert work.counts["mac"] + work.counts["padding_mac"] == 3 * 4 * 9 * depth * outputs_c


@pytest.mark.parametrize(
    ("channels", "arena_limit_bytes", "way"),
    [(4, None, "direct"), (3, None, "gathered"), (4, 0, "plain"), (3, 0, "plain")],
)
def test_a_convolution_goes_the_way_that_shape_and_scratch_leave_it(
    channels: int, arena_limit_bytes: int | None, way: str
) -> None:
    assert work_of(_op(_convolution(channels), arena_limit_bytes)).way == f"CONV_2D/{way}"


def test_blocks_of_four_channels_are_computed_whole() -> None:
    work = work_of(_op(_convolution(channels=4, padding=Padding.VALID)))
    pixels, row_bytes = 2 * 3, 3 * 3 * 4
    assert work.counts["block_mac"] == pixels * 8 * row_bytes  # 6 channels in blocks of 4
    assert work.counts["tail_pixel"] == pixels
    assert work.counts["edge_pixel"] == 0


def test_a_pools_reads_leave_the_padding_out() -> None:
    build = GraphBuilder(1)
    pool = build.pool(OpKind.MAX_POOL_2D, build.input((1, 5, 7, 3)), (3, 3), (2, 2), Padding.SAME)
    counts = work_of(_op(build.build(pool))).counts
    assert counts["read"] == _inside(5, 3, 1) * _inside(7, 4, 1) * 3


def test_concatenated_rows_are_copied_by_words_where_they_are_aligned() -> None:
    build = GraphBuilder(1)
    parts = [build.input((1, 2, 2, channels)) for channels in (16, 16, 3)]
    counts = work_of(_op(build.build(build.concatenation(parts, 3)))).counts
    assert counts["copy"] == 12
    assert counts["word"] == 0  # a row of 35 bytes: no output but the first is aligned
    build = GraphBuilder(1)
    parts = [build.input((1, 2, 2, channels)) for channels in (16, 16)]
    counts = work_of(_op(build.build(build.concatenation(parts, 3)))).counts
    assert (counts["word"], counts["byte"]) == (32, 0)


def test_the_sweep_has_every_op_and_its_counts_agree_with_the_compilers() -> None:
    models = list(sweep(CompileOptions(), ROOM))
    kinds = {op.kind for model in models for op in model.plan.ops}
    # A RESHAPE is a copy, which compilers fold away; int4 kinds are taken for their int8 ones.
    assert kinds == set(PlanOp) - {PlanOp.RESHAPE, *UNPACKED}
    for model in models:
        assert model.plan.arena_bytes <= ROOM.arena_bytes
        assert len(model.plan.data) <= ROOM.plan_bytes
        for op in model.plan.ops:
            counts = work_of(op).counts
            assert all(value >= 0 for value in counts.values())
            if op.macs:
                assert counts["mac"] + counts.get("padding_mac", 0) == op.macs


def test_the_sweep_is_the_same_each_time_and_leaves_out_what_a_board_lacks() -> None:
    few = CompileOptions(op_set=frozenset({PlanOp.FULLY_CONNECTED, PlanOp.SOFTMAX}))
    first, second = ([model.plan.crc32 for model in sweep(options, ROOM)] for options in (few, few))
    assert first == second
    kinds = {op.kind for model in sweep(few, ROOM) for op in model.plan.ops}
    assert kinds == {PlanOp.FULLY_CONNECTED, PlanOp.SOFTMAX}


def test_a_sample_keeps_all_that_its_work_follows_from() -> None:
    for model in list(sweep(CompileOptions(), ROOM))[::20]:
        for op in model.plan.ops:
            assert work_of(planned(describe(op))) == work_of(op)
            sample = Sample(op, 1234, "ram", 99)
            assert Sample.from_dict(sample.to_dict()).to_dict() == sample.to_dict()
