"""Channels leave a graph together with all that reads and writes them, and nothing else does."""

from __future__ import annotations

from collections.abc import Callable

import attrs
import numpy as np
import onnxruntime
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from host.compiler import compile_graph
from host.distillation.inference import TfliteRunner
from host.distillation.pruning.channels import Channels, find_channels
from host.distillation.pruning.structured import (
    importance,
    kept_count,
    least_important,
    remove_channels,
    zero_channels,
)
from host.distillation.quantization import quantize
from host.errors import ModelError
from host.models import load_model
from host.models.graph import Graph, OpKind
from host.models.onnx_importer import import_onnx
from host.models.onnx_writer import write_float_onnx
from host.models.tflite_importer import import_tflite
from host.models.tflite_writer import write_float_tflite
from tests.support.make import ROOT
from tests.support.models import published_model
from tests.support.onnx_models import Maker, conv
from tests.support.onnx_networks import BLOCKS, NETWORKS, block

EXAMPLES = ROOT / "examples"
Array = NDArray[np.float32]


def by_litert(graph: Graph, x: Array) -> Array:
    return TfliteRunner(write_float_tflite(graph)).run(x)


def by_onnxruntime(graph: Graph, x: Array) -> Array:
    session = onnxruntime.InferenceSession(
        write_float_onnx(graph), providers=["CPUExecutionProvider"]
    )
    image = x.transpose(graph.input_permutations[0]) if graph.input_permutations else x
    (found,) = session.run(None, {session.get_inputs()[0].name: image})
    return np.asarray(found)


def drawn_input(graph: Graph, seed: int = 1) -> Array:
    shape = graph.tensors[graph.inputs[0]].shape
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def assert_close(found: Array, expected: Array) -> None:
    scale = max(1.0, float(np.abs(expected).max()))
    np.testing.assert_allclose(found, expected, rtol=0, atol=2e-5 * scale)


def some_channels(graph: Graph, channels: Channels, seed: int) -> NDArray[np.int32]:
    """A share of each group, drawn by lot: least important by scores that are drawn."""
    rng = np.random.default_rng(seed)
    parts = [np.zeros(0, np.int32)]
    for group in channels.groups:
        scores = {label: float(rng.random()) for label in group.channels.tolist()}
        keep = kept_count(len(group.channels), float(rng.random()), multiple=1)
        parts.append(least_important(group, scores, keep))
    return np.concatenate(parts)


def assert_equals_the_graph_with_zeros(graph: Graph, seed: int = 0) -> None:
    """At once, and in two steps."""
    channels = find_channels(graph)
    removed = some_channels(graph, channels, seed)
    pruned = remove_channels(graph, channels, removed)
    zeroed = zero_channels(graph, channels, removed)
    x = drawn_input(graph)
    expected = by_litert(zeroed, x)
    assert_close(by_litert(pruned, x), expected)
    first, second = removed[::2], removed[1::2]
    halfway = remove_channels(graph, channels, first)
    in_steps = remove_channels(halfway, channels.without(first), second)
    assert [each.shape for each in in_steps.tensors] == [each.shape for each in pruned.tensors]
    assert_close(by_litert(in_steps, x), expected)
    shape = graph.tensors[graph.outputs[0]].shape
    of_file = graph.to_file_layout(0, expected.reshape(shape))
    assert_close(by_onnxruntime(pruned, x), of_file)


@pytest.mark.parametrize("build", NETWORKS, ids=[build.__name__ for build in NETWORKS])
def test_networks_equal_themselves_with_zeros(build: Callable[[Maker], str]) -> None:
    maker = Maker(1, 3, 6, 5)
    body = import_onnx(maker.bytes(build(maker)), "test")
    assert_equals_the_graph_with_zeros(body)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    kinds=st.lists(st.sampled_from(BLOCKS), min_size=1, max_size=5),
    width=st.integers(1, 6),
    channels=st.integers(1, 3),
    extent=st.tuples(st.integers(6, 10), st.integers(6, 10)),
    head=st.sampled_from(["flattened", "averaged"]),
    seed=st.integers(0, 1000),
)
def test_generated_networks_equal_themselves_with_zeros(
    kinds: list[str],
    width: int,
    channels: int,
    extent: tuple[int, int],
    head: str,
    seed: int,
) -> None:
    """Residuals, depthwise, squeeze-and-excitation, concatenations, in any order."""
    maker = Maker(1, channels, *extent, seed=seed)
    at = maker.node("Relu", conv(maker, "x", channels, width))
    filters = width
    for kind in kinds:
        at, filters = block(maker, kind, at, filters, width)
    flat = maker.node("Flatten", maker.node("GlobalAveragePool", at) if head == "averaged" else at)
    features = maker.features(flat)
    dense = maker.node("Relu", maker.node("Gemm", flat, maker.drawn(features, 6)))
    at = maker.node("Softmax", maker.node("Gemm", dense, maker.drawn(6, 3)), axis=-1)
    assert_equals_the_graph_with_zeros(import_onnx(maker.bytes(at), "generated"), seed)


@pytest.mark.parametrize("name", ["ic_resnet8_float", "ad01_fp32", "hello_world_float"])
def test_published_models_equal_themselves_with_zeros(name: str) -> None:
    assert_equals_the_graph_with_zeros(load_model(published_model(name)))


def test_the_residual_blocks_of_a_resnet_share_their_channels() -> None:
    """Three stages: the two convolutions whose outputs are added are one group each."""
    graph = load_model(published_model("ic_resnet8_float"))
    groups = {group.producers: len(group.channels) for group in find_channels(graph).groups}
    added = {
        tuple(sorted(_writer(graph, index) for index in op.inputs if index is not None))
        for op in graph.ops
        if op.kind is OpKind.ADD
    }
    assert len(added) == 3
    assert {ops: groups[ops] for ops in added} == dict(
        zip(sorted(added), (16, 32, 64), strict=True)
    )
    assert len(groups) == 6
    # The classifier's outputs are the model's.
    assert all(graph.ops[op].kind is OpKind.CONV_2D for ops in groups for op in ops)


def _writer(graph: Graph, tensor: int) -> int:
    return next(i for i, op in enumerate(graph.ops) if tensor in op.outputs)


@pytest.mark.parametrize("model", ["digits_cnn", "ic_resnet8_float"])
def test_dead_channels_go_first_and_the_model_stays_what_it_was(model: str) -> None:
    """Of each group every third channel is made dead: no filter writes it, and no bias."""
    path = EXAMPLES / "digits_cnn.onnx" if model == "digits_cnn" else published_model(model)
    graph = load_model(path)
    tensors = list(graph.tensors)
    channels = find_channels(graph)
    dead = {label for group in channels.groups for label in group.channels[::3].tolist()}
    for filters in channels.filters:
        op = graph.ops[filters.op]
        for index, axis in ((op.inputs[1], filters.cut.axis), (op.inputs[2], 0)):
            assert index is not None
            data = tensors[index].data
            assert data is not None
            data = np.moveaxis(data.copy(), axis, 0)
            data[[label in dead for label in filters.cut.labels.tolist()]] = 0
            tensors[index] = attrs.evolve(tensors[index], data=np.moveaxis(data, 0, axis))
    dying = attrs.evolve(graph, tensors=tensors)
    for norm in ("l1", "l2"):
        scores = importance(dying, channels, norm)
        removed = np.concatenate(
            [
                least_important(group, scores, len(group.channels) - len(group.channels[::3]))
                for group in channels.groups
            ]
        )
        assert set(removed.tolist()) == dead
    pruned = remove_channels(dying, channels, removed)
    x = drawn_input(graph)
    assert_close(by_litert(pruned, x), by_litert(dying, x))
    assert not np.allclose(by_litert(dying, x), by_litert(graph, x), atol=1e-4)


def test_a_pruned_model_is_smaller_everywhere_and_runs_as_int8() -> None:
    graph = load_model(EXAMPLES / "digits_cnn.onnx")
    channels = find_channels(graph)
    scores = importance(graph, channels)
    halves = [
        least_important(group, scores, kept_count(len(group.channels), 0.5))
        for group in channels.groups
    ]
    pruned = remove_channels(graph, channels, np.concatenate(halves))
    widths = [
        pruned.tensors[op.outputs[0]].shape[-1]
        for op in pruned.ops
        if op.kind in (OpKind.CONV_2D, OpKind.DEPTHWISE_CONV_2D)
    ]
    assert widths == [12, 16, 16, 32]
    samples = np.load(EXAMPLES / "calibration" / "images.npy")[:20]
    plans = [
        compile_graph(import_tflite(quantize(each, samples, samples[:4], "int8").tflite, "x"))
        for each in (graph, pruned)
    ]
    assert plans[1].arena_bytes < 0.65 * plans[0].arena_bytes
    assert plans[1].macs < 0.35 * plans[0].macs


@pytest.mark.parametrize(
    ("count", "share", "kept"),
    [
        (24, 0.5, 12),
        (32, 0.4, 20),
        (64, 0.99, 4),
        (64, 0.01, 64),
        (7, 0.5, 4),
        (6, 0.99, 1),
        (1, 0.9, 1),
    ],
)
def test_what_is_kept_is_whole_rows_of_a_kernel_where_there_are_enough(
    count: int, share: float, kept: int
) -> None:
    assert kept_count(count, share) == kept


def test_inputs_outputs_and_what_softmax_or_a_mean_over_channels_needs_stay() -> None:
    for build in (lambda m: conv(m, "x", 3, 8), _softmax_inside, _mean_over_channels, _grouped):
        maker = Maker(1, 3, 6, 5)
        graph = import_onnx(maker.bytes(build(maker)), "test")
        assert find_channels(graph).groups == ()


def _softmax_inside(maker: Maker) -> str:
    return conv(maker, maker.node("Softmax", conv(maker, "x", 3, 8), axis=1), 8, 2)


def _mean_over_channels(maker: Maker) -> str:
    mean = maker.node("ReduceMean", conv(maker, "x", 3, 8), axes=[1], keepdims=1)
    return conv(maker, mean, 1, 2)


def _grouped(maker: Maker) -> str:
    return conv(maker, conv(maker, "x", 3, 8), 4, 6, group=2)


def test_joined_and_added_channels_are_tied_part_by_part() -> None:
    """[a, b] + c: the first of c's filters go with a's, the others with b's."""
    maker = Maker(1, 3, 6, 5)
    joined = maker.node("Concat", conv(maker, "x", 3, 4), conv(maker, "x", 3, 6), axis=1)
    added = maker.node("Add", joined, conv(maker, "x", 3, 10))
    graph = import_onnx(maker.bytes(conv(maker, added, 10, 2)), "test")
    groups = {group.producers: len(group.channels) for group in find_channels(graph).groups}
    assert sorted(groups.values()) == [4, 6]
    (one, other) = groups
    assert len(set(one) & set(other)) == 1
    assert_equals_the_graph_with_zeros(graph)


def test_a_depthwise_multiplier_goes_with_its_channel() -> None:
    maker = Maker(1, 3, 6, 5)
    deep = maker.node("Conv", conv(maker, "x", 3, 4), maker.drawn(8, 1, 3, 3), group=4)
    graph = import_onnx(maker.bytes(conv(maker, deep, 8, 2)), "test")
    (group,) = find_channels(graph).groups
    assert len(group.channels) == 4
    channels = find_channels(graph)
    pruned = remove_channels(graph, channels, group.channels[:1])
    depthwise = next(op for op in pruned.ops if op.kind is OpKind.DEPTHWISE_CONV_2D)
    assert depthwise.attributes["depth_multiplier"] == 2
    assert pruned.tensors[depthwise.outputs[0]].shape[3] == 6
    assert_equals_the_graph_with_zeros(graph)


def test_filters_over_one_channel_are_free() -> None:
    maker = Maker(1, 1, 6, 5)
    first = maker.node("Conv", "x", maker.drawn(8, 1, 3, 3))
    graph = import_onnx(maker.bytes(conv(maker, first, 8, 2)), "test")
    (group,) = find_channels(graph).groups
    assert len(group.channels) == 8
    assert_equals_the_graph_with_zeros(graph)


def test_weights_that_two_layers_share_are_cut_for_both_or_for_none() -> None:
    maker = Maker(1, 3, 6, 5)
    start = conv(maker, "x", 3, 4)
    shared = maker.drawn(4, 4, 3, 3)
    at = start
    for _ in range(2):
        at = maker.node("Relu", maker.node("Conv", at, shared, pads=[1, 1, 1, 1]))
    graph = import_onnx(maker.bytes(conv(maker, at, 4, 2)), "test")
    weights = [op.inputs[1] for op in graph.ops]
    tied = attrs.evolve(graph, ops=[*graph.ops])
    tied.ops[2].inputs[1] = weights[1]  # the importer gives each reader a tensor of its own
    channels = find_channels(tied)
    assert [len(group.channels) for group in channels.groups] == [4]
    assert_equals_the_graph_with_zeros(tied)


def test_a_quantized_model_is_refused() -> None:
    with pytest.raises(ModelError, match="is quantized already"):
        find_channels(load_model(published_model("kws_dscnn_int8")))
