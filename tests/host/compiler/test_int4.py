"""Packed weights: their layout against SPEC.md, their plans against int8 ones, their refusals."""

from __future__ import annotations

import re
from pathlib import Path

import attrs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import protocol
from host.compiler import CompileOptions, compile_graph
from host.compiler.rows import packed_rows4
from host.errors import ModelError
from host.models.graph import Activation, DType, Graph, Op, OpKind, Tensor
from host.models.loader import load_model
from host.models.tflite_importer import import_tflite
from host.models.tflite_writer import write_float_tflite
from protocol.plan import PACKED_KINDS, PlanOp
from tests.support.models import published_model
from tests.support.single_op_models import INT4_STRATEGIES, single_op_models

LANES = 0x000F000F


def test_the_layout_is_the_one_that_the_specification_shows() -> None:
    spec = (Path(protocol.__file__).parent / "SPEC.md").read_text()
    shown = re.search(r"nine weights -4 to 4:\n\n```hex\n(.*?)\n```", spec)
    assert shown is not None
    packed = packed_rows4(np.arange(-4, 5, dtype=np.int8).reshape(1, 9))
    assert packed.hex(" ") == shown[1]


@given(st.integers(1, 5), st.integers(1, 40), st.integers(0, 2**32 - 1))
def test_masks_give_the_pairs_that_the_specification_says(
    count: int, length: int, seed: int
) -> None:
    rows = np.random.default_rng(seed).integers(-8, 8, (count, length)).astype(np.int8)
    words = np.frombuffer(packed_rows4(rows), "<u4").reshape(count, -1)
    assert words.shape[1] == -(-length // 8)
    unpacked = np.zeros((count, words.shape[1], 8), np.int64)
    for bits, (low, high) in {0: (0, 2), 4: (1, 3), 8: (4, 6), 12: (5, 7)}.items():
        pairs = (words >> bits) & LANES
        unpacked[:, :, low] = (pairs & 0xFFFF).astype(np.int64) - 8
        unpacked[:, :, high] = (pairs >> 16).astype(np.int64) - 8
    flat = unpacked.reshape(count, -1)
    np.testing.assert_array_equal(flat[:, :length], rows)
    assert not flat[:, length:].any()


def test_weights_of_more_than_four_bits_are_not_packed() -> None:
    for value in (-9, 8):
        with pytest.raises(ValueError, match=f"from {value} to {value} do not fit four bits"):
            packed_rows4(np.full((1, 4), value, np.int8))


@given(st.data())
@settings(max_examples=20, deadline=None, derandomize=True)
def test_int4_constants_survive_a_file(data: st.DataObject) -> None:
    model = data.draw(single_op_models(data.draw(st.sampled_from([*INT4_STRATEGIES])), DType.INT4))
    read = import_tflite(model.tflite, "model")
    weights = model.graph.ops[0].inputs[1]
    assert weights is not None
    assert read.tensors[weights].dtype is DType.INT4
    np.testing.assert_array_equal(read.tensors[weights].data, model.graph.tensors[weights].data)


def test_a_file_with_too_few_int4_weights_is_refused() -> None:
    weights = Tensor("weights", (3, 5), DType.INT4, data=np.zeros(13, np.int8))
    tensors = [Tensor("in", (1, 5), DType.INT8), weights, Tensor("out", (1, 3), DType.INT8)]
    attributes = {"activation": Activation.NONE, "keep_num_dims": False}
    op = Op(OpKind.FULLY_CONNECTED, [0, 1], [2], attributes)
    data = write_float_tflite(Graph("short", tensors, [op], [0], [2]))
    with pytest.raises(ModelError, match="'weights' has 7 bytes of data; its shape needs 8"):
        import_tflite(data, "short")


def _with_int4_weights(graph: Graph, kinds: tuple[OpKind, ...]) -> Graph:
    """The same graph with weights of the ops of ``kinds`` cut to the four bits that matter most."""
    tensors = list(graph.tensors)
    for op in graph.ops:
        if op.kind in kinds:
            index = op.inputs[1]
            assert index is not None
            data = tensors[index].data
            assert data is not None
            tensors[index] = attrs.evolve(tensors[index], dtype=DType.INT4, data=data >> 4)
    return attrs.evolve(graph, tensors=tensors)


def test_a_plan_with_packed_weights_has_half_of_them_and_the_same_arena() -> None:
    graph = load_model(published_model("kws_dscnn_int8"))
    whole = compile_graph(graph)
    packed = compile_graph(_with_int4_weights(graph, (OpKind.CONV_2D, OpKind.FULLY_CONNECTED)))
    assert (whole.precision, packed.precision) == ("int8", "int4")
    assert [PACKED_KINDS.get(op.kind, op.kind) for op in whole.ops] == [
        op.kind for op in packed.ops
    ]
    weights = sum(
        data.nbytes
        for op in graph.ops
        if op.kind in (OpKind.CONV_2D, OpKind.FULLY_CONNECTED)
        for data in [graph.tensors[index].data for index in op.inputs[1:2] if index is not None]
        if data is not None
    )
    assert len(whole.data) - len(packed.data) == pytest.approx(weights / 2, rel=0.02)
    assert packed.arena_bytes == whole.arena_bytes


def test_scratch_is_never_less_than_the_kernels_need() -> None:
    """A row of weights, a byte each; in place beside a pixel of the input."""
    graph = _with_int4_weights(load_model(published_model("kws_dscnn_int8")), (OpKind.CONV_2D,))
    plan = compile_graph(graph, CompileOptions(arena_limit_bytes=1))
    convolutions = [op for op in plan.ops if op.kind is PlanOp.CONV_2D_INT4]
    assert any(op.in_place for op in convolutions)
    for op in convolutions:
        extents = [op.parameters[name] for name in ("kernel_h", "kernel_w", "input_c")]
        row = -(-int(np.prod(extents)) // 4) * 4
        assert op.scratch_bytes >= row * (2 if op.in_place else 1)


def test_a_board_without_packed_weights_is_named() -> None:
    graph = _with_int4_weights(load_model(published_model("kws_dscnn_int8")), (OpKind.CONV_2D,))
    options = CompileOptions(op_set=frozenset(PlanOp) - {PlanOp.CONV_2D_INT4})
    with pytest.raises(ModelError, match=r"op 0 CONV_2D_INT4 .*no kernel for it"):
        compile_graph(graph, options)


def test_depthwise_weights_are_int8() -> None:
    graph = load_model(published_model("kws_dscnn_int8"))
    with pytest.raises(ModelError, match=r"DEPTHWISE_CONV_2D .*as an int8 constant.*are int4"):
        compile_graph(_with_int4_weights(graph, (OpKind.DEPTHWISE_CONV_2D,)))
