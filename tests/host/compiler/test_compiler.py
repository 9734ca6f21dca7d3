"""Compiled plans: what their bytes say, how small their arenas are, what is refused."""

from __future__ import annotations

from collections.abc import Callable

import attrs
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from numpy.typing import NDArray

from host.compiler import CompiledPlan, CompileOptions, compile_graph
from host.compiler.describe import describe
from host.errors import ModelError
from host.models import load_model
from host.models.graph import Activation, DType, Graph, Op, OpKind, Quantization, Tensor
from protocol import plan as layout
from protocol.plan import PlanOp
from tests.support.models import INT8_MODELS, published_model
from tests.support.single_op_models import STRATEGIES, SingleOpModel, single_op_models

ARENA_LIMITS_BYTES = {
    "kws_dscnn_int8": 16_512,
    "ad01_int8": 2_580,
    "ic_resnet8_int8": 54_980,
    "hello_world_int8": 772,
}
MACS = {
    "kws_dscnn_int8": 2_656_768,
    "ad01_int8": 264_192,
    "ic_resnet8_int8": 12_501_632,
    "hello_world_int8": 288,
}


def quantized(scale: float = 0.1, zero_point: int = 3) -> Quantization:
    return Quantization(np.array([scale], np.float32), np.array([zero_point], np.int64))


def int8(name: str, *shape: int, scale: float = 0.1, zero_point: int = 3) -> Tensor:
    return Tensor(name, shape, DType.INT8, quantized(scale, zero_point))


def constant(name: str, data: NDArray[np.int8]) -> Tensor:
    return Tensor(name, data.shape, DType.INT8, quantized(), data)


def graph_of(tensors: list[Tensor], ops: list[Op], inputs: list[int], outputs: list[int]) -> Graph:
    return Graph("net", tensors, ops, inputs, outputs)


def ops_of(plan: CompiledPlan) -> list[PlanOp]:
    return [op.kind for op in plan.ops]


@pytest.mark.parametrize("name", INT8_MODELS)
def test_published_models_need_no_more_than_their_limits(name: str) -> None:
    plan = compile_graph(load_model(published_model(name)))
    assert plan.arena_bytes <= ARENA_LIMITS_BYTES[name]
    assert plan.arena_bytes == plan.arena_lower_bound_bytes
    assert plan.macs == MACS[name]


def test_separable_convolutions_work_in_place() -> None:
    plan = compile_graph(load_model(published_model("kws_dscnn_int8")))
    activations = 25 * 5 * 64
    weights_and_tile = 8 * 64 + 16 * 64
    assert plan.arena_bytes == activations + weights_and_tile
    tight = compile_graph(
        load_model(published_model("kws_dscnn_int8")), CompileOptions(arena_limit_bytes=1)
    )
    assert tight.arena_bytes == activations + 490 // 4 * 4 + 4, "the first layer is not in place"


@pytest.mark.parametrize("name", INT8_MODELS)
def test_the_same_model_gives_the_same_bytes(name: str) -> None:
    path = published_model(name)
    assert compile_graph(load_model(path)).data == compile_graph(load_model(path)).data


@pytest.mark.parametrize("name", INT8_MODELS)
def test_plans_read_back(name: str) -> None:
    plan = compile_graph(load_model(published_model(name)))
    header = layout.PLAN_HEADER.parse(plan.data)
    assert header.total_bytes == len(plan.data)
    assert header.crc32 == plan.crc32 == layout.plan_crc32(plan.data)
    assert header.arena_bytes == plan.arena_bytes
    listing = describe(plan.data)
    assert listing.count("\nop ") == header.op_count == len(plan.ops)
    with pytest.raises(ModelError, match="truncated or corrupt"):
        describe(plan.data[:-1])


def test_less_scratch_is_granted_where_the_arena_is_limited() -> None:
    graph = load_model(published_model("ic_resnet8_int8"))
    fast = compile_graph(graph)
    tight = compile_graph(graph, CompileOptions(arena_limit_bytes=fast.arena_bytes - 1))
    assert tight.arena_bytes < fast.arena_bytes
    less = [
        a.source_index
        for a, b in zip(tight.ops, fast.ops, strict=True)
        if a.scratch_bytes < b.scratch_bytes
    ]
    assert less == [2], "only the op at the peak pays"


@pytest.mark.parametrize("name", INT8_MODELS)
def test_preserved_tensors_never_overlap(name: str) -> None:
    graph = load_model(published_model(name))
    plan = compile_graph(graph, CompileOptions(preserve_all=True))
    assert not plan.inputs_overwritten
    taken = {(place.arena_offset, place.size_bytes) for place in plan.tensor_map.values()}
    ends = 0
    for offset, size in sorted(taken):
        assert offset >= ends
        ends = offset + size
    assert ends <= plan.arena_bytes


def _addresses(plan: CompiledPlan, index: int) -> set[int]:
    place = plan.tensor_map[index]
    return set(range(place.arena_offset, place.arena_offset + place.size_bytes))


@pytest.mark.parametrize("kind", STRATEGIES)
def test_single_ops_keep_inputs_apart_from_outputs_unless_in_place(kind: OpKind) -> None:
    @settings(
        max_examples=25, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
    )
    @given(single_op_models(kind))
    def apart(model: SingleOpModel) -> None:
        plan = compile_graph(model.graph)
        op = model.graph.ops[0]
        output = _addresses(plan, op.outputs[0])
        for index in model.graph.inputs:
            overlap = _addresses(plan, index) & output
            if overlap:
                assert plan.inputs_overwritten
                assert plan.tensor_map[index].arena_offset == (
                    plan.tensor_map[op.outputs[0]].arena_offset
                )

    apart()


def test_reshapes_are_folded_away() -> None:
    graph = load_model(published_model("ic_resnet8_int8"))
    reshape = next(op for op in graph.ops if op.kind is OpKind.RESHAPE)
    plan = compile_graph(graph)
    assert PlanOp.RESHAPE not in ops_of(plan)
    source, target = reshape.inputs[0], reshape.outputs[0]
    assert source is not None
    assert _addresses(plan, source) == _addresses(plan, target)


def test_a_reshape_from_input_to_output_stays() -> None:
    tensors = [int8("in", 2, 3), int8("flat", 6), int8("out", 1, 6)]
    ops = [Op(OpKind.RESHAPE, [0], [1]), Op(OpKind.RESHAPE, [1], [2])]
    plan = compile_graph(graph_of(tensors, ops, [0], [2]))
    assert PlanOp.RESHAPE in ops_of(plan)


def test_a_transpose_that_moves_nothing_is_folded_away() -> None:
    tensors = [int8("in", 1, 4, 3), int8("turned", 4, 1, 3), int8("out", 4, 1, 3)]
    ops = [
        Op(OpKind.TRANSPOSE, [0], [1], {"permutation": (1, 0, 2)}),
        Op(OpKind.QUANTIZE, [1], [2]),
    ]
    assert ops_of(compile_graph(graph_of(tensors, ops, [0], [2]))) == [PlanOp.QUANTIZE]


def test_float_edges_are_cut_away() -> None:
    tensors = [
        Tensor("real_in", (1, 4), DType.FLOAT32),
        int8("in", 1, 4, scale=0.5, zero_point=-7),
        int8("out", 1, 4, scale=0.25),
        Tensor("real_out", (1, 4), DType.FLOAT32),
    ]
    ops = [
        Op(OpKind.QUANTIZE, [0], [1]),
        Op(OpKind.QUANTIZE, [1], [2]),
        Op(OpKind.DEQUANTIZE, [2], [3]),
    ]
    plan = compile_graph(graph_of(tensors, ops, [0], [3]))
    assert ops_of(plan) == [PlanOp.QUANTIZE]
    assert [(entry.name, entry.scale, entry.zero_point) for entry in plan.inputs] == [
        ("in", 0.5, -7)
    ]
    assert plan.outputs[0].name == "out"


def test_a_single_constant_becomes_a_table() -> None:
    tensors = [int8("in", 1, 4), constant("two", np.full((1,), 2, np.int8)), int8("out", 1, 4)]
    ops = [Op(OpKind.MUL, [0, 1], [2], {"activation": Activation.NONE})]
    assert ops_of(compile_graph(graph_of(tensors, ops, [0], [2]))) == [PlanOp.QUANTIZE]


def test_other_constants_are_placed_before_their_first_reader() -> None:
    values = np.arange(4, dtype=np.int8)
    tensors = [
        int8("in", 2, 4),
        constant("offsets", values),
        int8("middle", 2, 4),
        int8("out", 2, 4),
    ]
    attributes = {"activation": Activation.NONE}
    ops = [Op(OpKind.ADD, [0, 1], [2], attributes), Op(OpKind.ADD, [1, 2], [3], attributes)]
    plan = compile_graph(graph_of(tensors, ops, [0], [3]))
    assert ops_of(plan) == [PlanOp.CONSTANT, PlanOp.ADD, PlanOp.ADD]
    assert values.tobytes() in plan.data


def test_broadcasts_are_joined_into_four_dimensions() -> None:
    tensors = [int8("left", 2, 1, 3, 1, 2, 2), int8("right", 2, 1, 3, 5, 2, 2)]
    tensors.append(int8("out", 2, 1, 3, 5, 2, 2))
    ops = [Op(OpKind.ADD, [0, 1], [2], {"activation": Activation.NONE})]
    plan = compile_graph(graph_of(tensors, ops, [0, 1], [2]))
    header = layout.PLAN_HEADER.parse(plan.data)
    op = layout.PLAN_OP_HEADER.parse(plan.data[header.ops_offset :])
    params = layout.ELEMENTWISE_PARAMS.parse(plan.data[header.ops_offset + op.params_offset :])
    assert list(params.dims) == [1, 6, 5, 4]
    assert list(params.input1_strides)[1:] == [4, 0, 1]
    assert list(params.input2_strides)[1:] == [20, 4, 1]


# Refusals


@pytest.mark.parametrize("name", ["ad01_fp32", "ic_resnet8_float", "hello_world_float"])
def test_float_models_are_refused(name: str) -> None:
    with pytest.raises(ModelError, match="a float model; quantize it to int8 first"):
        compile_graph(load_model(published_model(name)))


def test_uint8_models_are_refused() -> None:
    tensors = [Tensor("in", (1, 4), DType.UINT8, quantized()), int8("out", 1, 4)]
    ops = [Op(OpKind.QUANTIZE, [0], [1])]
    with pytest.raises(ModelError, match="'in' is uint8: quantize the model anew to int8"):
        compile_graph(graph_of(tensors, ops, [0], [1]))


def test_floating_point_inside_the_model_is_refused() -> None:
    tensors = [int8("in", 1, 4), Tensor("real", (1, 4), DType.FLOAT32), int8("out", 1, 4)]
    ops = [
        Op(OpKind.DEQUANTIZE, [0], [1], name="real", source_index=0),
        Op(OpKind.QUANTIZE, [1], [2]),
    ]
    with pytest.raises(ModelError, match=r"op 0 DEQUANTIZE 'real'.*at an output only"):
        compile_graph(graph_of(tensors, ops, [0], [2]))


def test_an_op_that_the_board_lacks_is_refused() -> None:
    graph = load_model(published_model("kws_dscnn_int8"))
    options = CompileOptions(op_set=frozenset(PlanOp) - {PlanOp.SOFTMAX})
    with pytest.raises(ModelError, match=r"SOFTMAX .*no kernel for it; it has CONV_2D"):
        compile_graph(graph, options)


def test_a_board_of_another_plan_version_is_refused() -> None:
    graph = load_model(published_model("hello_world_int8"))
    with pytest.raises(ModelError, match="update the board's firmware"):
        compile_graph(graph, CompileOptions(plan_version=2))


def _spoil_order(graph: Graph) -> Graph:
    return attrs.evolve(graph, ops=graph.ops[::-1])


def _spoil_scale(graph: Graph) -> Graph:
    graph.tensors[graph.ops[0].outputs[0]].quantization = None
    return graph


def _spoil_weights(graph: Graph) -> Graph:
    index = graph.ops[0].inputs[1]
    assert index is not None
    graph.tensors[index].data = None
    return graph


def _spoil_shape(graph: Graph) -> Graph:
    output = graph.tensors[graph.ops[0].outputs[0]]
    output.shape = (1, output.shape[1] + 1, *output.shape[2:])
    return graph


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (_spoil_order, "before anything writes it"),
        (_spoil_scale, "op 0 CONV_2D .* with one positive scale"),
        (_spoil_weights, "op 0 CONV_2D .*computed by the model"),
        (_spoil_shape, r"op 0 CONV_2D .*its inputs give \[1, 25, 5, 64\]"),
    ],
)
def test_inconsistent_graphs_are_refused(spoil: Callable[[Graph], Graph], message: str) -> None:
    graph = load_model(published_model("kws_dscnn_int8"))
    with pytest.raises(ModelError, match=message):
        compile_graph(spoil(graph))
