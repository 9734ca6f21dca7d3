"""ONNX models become graphs that compute the same: LiteRT's outputs against onnxruntime's."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from host.errors import ModelError
from host.models import load_model
from host.models.graph import Activation, OpKind, Padding
from tests.support.make import ROOT
from tests.support.onnx_models import TOLERANCE, Maker, assert_equal, conv, outputs
from tests.support.onnx_networks import BLOCKS, NETWORKS, block, flattened, normalized


@pytest.mark.parametrize("name", ["digits_mlp", "digits_cnn"])
def test_the_examples(name: str) -> None:
    data = (ROOT / "examples" / f"{name}.onnx").read_bytes()
    graph, expected, found = outputs(data)
    np.testing.assert_allclose(found, expected, rtol=0, atol=TOLERANCE)
    assert OpKind.TRANSPOSE not in {op.kind for op in graph.ops}


sides = st.integers(1, 3)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    channels=st.integers(1, 6),
    kernel=st.tuples(sides, sides),
    stride=st.tuples(sides, sides),
    dilation=st.tuples(st.integers(1, 2), st.integers(1, 2)),
    pads=st.lists(st.integers(0, 2), min_size=4, max_size=4),
    how=st.sampled_from(["dense", "depthwise", "grouped"]),
    multiplier=st.integers(1, 3),
    extent=st.tuples(st.integers(5, 9), st.integers(5, 9)),
    bias=st.booleans(),
)
def test_convolutions(
    channels: int,
    kernel: tuple[int, int],
    stride: tuple[int, int],
    dilation: tuple[int, int],
    pads: list[int],
    how: str,
    multiplier: int,
    extent: tuple[int, int],
    bias: bool,
) -> None:
    groups = {"dense": 1, "depthwise": channels, "grouped": 2 if channels % 2 == 0 else 1}[how]
    maker = Maker(1, channels, *extent)
    count = groups * multiplier
    weights = maker.drawn(count, channels // groups, *kernel)
    inputs = ["x", weights, maker.drawn(count)] if bias else ["x", weights]
    output = maker.node(
        "Conv", *inputs, group=groups, strides=stride, dilations=dilation, pads=pads
    )
    assert_equal(maker.bytes(output))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    kind=st.sampled_from(["MaxPool", "AveragePool"]),
    window=st.tuples(sides, sides),
    stride=st.tuples(sides, sides),
    pads=st.lists(st.integers(0, 1), min_size=4, max_size=4),
    extent=st.tuples(st.integers(4, 9), st.integers(4, 9)),
)
def test_pools(
    kind: str,
    window: tuple[int, int],
    stride: tuple[int, int],
    pads: list[int],
    extent: tuple[int, int],
) -> None:
    assume(all(pad < side for pad, side in zip(pads, window * 2, strict=True)))
    maker = Maker(1, 3, *extent)
    attributes: dict[str, Any] = {"kernel_shape": window, "strides": stride, "pads": pads}
    if kind == "AveragePool":
        attributes["count_include_pad"] = 1
    activated = maker.node("Relu", "x")
    assert_equal(maker.bytes(maker.node(kind, activated, **attributes)))


@pytest.mark.parametrize("build", NETWORKS, ids=[build.__name__ for build in NETWORKS])
def test_models(build: Callable[[Maker], str]) -> None:
    maker = Maker(1, 3, 6, 5)
    assert_equal(maker.bytes(build(maker)))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    kinds=st.lists(st.sampled_from(BLOCKS), min_size=1, max_size=5),
    width=st.integers(1, 5),
    channels=st.integers(1, 3),
    extent=st.tuples(st.integers(6, 11), st.integers(6, 11)),
    head=st.sampled_from(["flattened", "averaged", "image"]),
    seed=st.integers(0, 1000),
)
def test_generated_networks(
    kinds: list[str],
    width: int,
    channels: int,
    extent: tuple[int, int],
    head: str,
    seed: int,
) -> None:
    maker = Maker("batch", channels, *extent, seed=seed)
    at, filters = "x", channels
    for kind in kinds:
        at, filters = block(maker, kind, at, filters, width)
    if head != "image":
        pooled = maker.node("GlobalAveragePool", at) if head == "averaged" else at
        flat = maker.node("Flatten", pooled)
        features = maker.features(flat)
        at = maker.node("Softmax", maker.node("Gemm", flat, maker.drawn(features, 4)), axis=-1)
    assert_equal(maker.bytes(at))


def test_a_dynamic_batch_is_one_and_that_is_said() -> None:
    maker = Maker("N", 3, 6, 5)
    graph = assert_equal(maker.bytes(flattened(maker)))
    assert graph.tensors[graph.inputs[0]].shape == (1, 6, 5, 3)
    assert graph.notes == ["test: the dynamic batch of input 'x' is taken as 1"]


def test_a_classifier_takes_its_weights_in_the_order_of_the_graph() -> None:
    maker = Maker(1, 3, 6, 5)
    graph = assert_equal(maker.bytes(flattened(maker)))
    assert [op.kind for op in graph.ops] == [
        *(OpKind.CONV_2D, OpKind.RESHAPE, OpKind.FULLY_CONNECTED, OpKind.SOFTMAX)
    ]


@pytest.mark.parametrize("shape", [(1, 5), (1, 5, 1, 1)])
def test_a_softmax_of_before_operator_set_13(shape: tuple[int, ...]) -> None:
    maker = Maker(*shape, opset=11)
    assert_equal(maker.bytes(maker.node("Softmax", "x")))


# Weights in a file of their own, as torch's export writes them


@pytest.fixture
def beside(tmp_path: Path) -> Path:
    model = onnx.load(ROOT / "examples" / "digits_cnn.onnx")
    path = tmp_path / "m.onnx"
    onnx.save(model, path, save_as_external_data=True, location="m.data", size_threshold=0)
    return path


def test_weights_beside_the_file(beside: Path) -> None:
    graph, whole = load_model(beside), load_model(ROOT / "examples" / "digits_cnn.onnx")
    for tensor, same in zip(graph.tensors, whole.tensors, strict=True):
        if tensor.data is not None:
            np.testing.assert_array_equal(tensor.data, same.data)
    weights = beside.with_name("m.data")
    data = weights.read_bytes()
    weights.write_bytes(bytes([data[0] ^ 1]) + data[1:])
    assert load_model(beside).sha256 != graph.sha256


def test_weights_beside_the_file_that_are_cut_or_gone(beside: Path) -> None:
    weights = beside.with_name("m.data")
    weights.write_bytes(weights.read_bytes()[:100])
    with pytest.raises(ModelError, match=r"m\.onnx: not a valid ONNX model: "):
        load_model(beside)
    weights.unlink()
    with pytest.raises(ModelError, match=r"m\.onnx: not a valid ONNX model: .*m\.data"):
        load_model(beside)


def test_normalization_and_activation_go_into_the_convolution() -> None:
    maker = Maker(1, 3, 6, 5)
    graph = assert_equal(maker.bytes(maker.node("Relu", normalized(maker))))
    assert [op.kind for op in graph.ops] == [OpKind.CONV_2D]
    assert graph.ops[0].attributes["activation"] is Activation.RELU
    assert graph.ops[0].attributes["padding"] is Padding.SAME


def test_a_hard_swish_in_two_nodes_is_one_op() -> None:
    maker = Maker(1, 3, 6, 5)
    source = conv(maker, "x", 3, 4)
    gate = maker.node("HardSigmoid", source, alpha=1 / 6, beta=0.5)
    graph = assert_equal(maker.bytes(maker.node("Mul", source, gate)))
    assert [op.kind for op in graph.ops] == [OpKind.CONV_2D, OpKind.HARD_SWISH]


def test_pads_that_no_padding_expresses_become_an_op() -> None:
    maker = Maker(1, 3, 6, 6)  # TensorFlow's SAME pads an even extent after it alone
    graph = assert_equal(maker.bytes(conv(maker, "x", 3, 4, strides=[2, 2])))
    assert [op.kind for op in graph.ops] == [OpKind.PAD, OpKind.CONV_2D]
