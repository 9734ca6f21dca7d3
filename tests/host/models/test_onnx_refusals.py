"""ONNX models that the graph cannot hold: each is refused by name, none with a traceback."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto

from host.errors import ModelError
from host.models import load_model
from host.models.onnx_importer import import_onnx, is_onnx
from tests.support.make import ROOT
from tests.support.onnx_models import Maker
from tests.support.onnx_networks import NETWORKS


def refused(maker: Maker, output: str, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        import_onnx(maker.bytes(output), "test")


def test_an_unsupported_node_is_named() -> None:
    maker = Maker(1, 3, 6, 5)
    refused(maker, maker.node("Erf", "x"), r"node 'node_0' \(Erf\) is not supported; supported: ")


def test_another_dynamic_dimension_is_named() -> None:
    maker = Maker(1, 3, "height", 5)
    refused(maker, maker.node("Relu", "x"), r"dimension 2 \(height\) of input 'x' is dynamic")


def test_weights_that_are_computed_are_refused() -> None:
    maker = Maker(1, 4, 4, 4)
    flat = maker.node("Reshape", "x", maker.constant([8, 8], np.int64))
    refused(maker, maker.node("MatMul", flat, flat), "needs its second factor")


def test_a_pool_that_would_see_its_padding_is_refused() -> None:
    maker = Maker(1, 3, 6, 6)
    pooled = maker.node("MaxPool", "x", kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    refused(maker, pooled, "its input may be negative")


def test_a_normalization_in_training_mode_is_refused() -> None:
    maker = Maker(1, 3, 6, 5)
    statistics = [maker.drawn(3) for _ in range(3)]
    variance = maker.constant(np.ones(3))
    output = maker.node("BatchNormalization", "x", *statistics, variance, training_mode=1)
    maker.nodes[-1].output.extend(["running_mean", "running_variance"])
    refused(maker, output, "is in training mode")


def test_a_second_output_that_is_read_is_refused() -> None:
    maker = Maker(1, 3, 6, 6)
    window = {"kernel_shape": [2, 2], "strides": [2, 2]}
    pooled = maker.node("MaxPool", maker.node("Relu", "x"), **window)
    maker.nodes[-1].output.append("indices")
    shape = maker.node("Reshape", pooled, maker.constant([1, -1], np.int64))
    places = maker.node("Reshape", maker.node("Cast", "indices", to=TensorProto.FLOAT), "to")
    maker.constants.append(onnx.numpy_helper.from_array(np.array([1, -1]), "to"))
    refused(maker, maker.node("Add", shape, places), r"\(MaxPool\) has more than one output")


def test_operands_that_no_op_takes_are_refused() -> None:
    maker = Maker(4, 6)
    biased = maker.node("Gemm", "x", maker.drawn(6, 5), maker.drawn(4, 5))
    refused(maker, biased, r"adds \[4, 5\]; \[5\] is supported")
    maker = Maker(6)
    refused(maker, maker.node("MatMul", "x", maker.drawn(6, 5)), "multiplies 1 by 2 dimensions")
    maker = Maker(1, 6)
    refused(
        maker, maker.node("Mul", "x", maker.constant(np.nan)), "constant 'constant_0' holds NaN"
    )
    maker = Maker(1, 6)
    zeros = maker.constant(np.arange(6))
    refused(maker, maker.node("Div", "x", zeros), "divides by a constant that holds 0")


def test_a_softmax_over_several_dimensions_is_refused() -> None:
    maker = Maker(1, 5, 2, 3, opset=11)
    refused(maker, maker.node("Softmax", "x"), r"is over dimensions \[1, 2, 3\] at once")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: setattr(t, "elem_type", TensorProto.INT64), "input 'x' is int64; export"),
        (lambda t: t.ClearField("shape"), "input 'x' has no shape"),
    ],
    ids=["integers", "shapeless"],
)
def test_inputs_that_are_not_settled_are_refused(change: Any, message: str) -> None:
    maker = Maker(1, 3, 6, 5)
    model = onnx.ModelProto.FromString(maker.bytes(maker.node("Relu", "x")))
    change(model.graph.input[0].type.tensor_type)
    with pytest.raises(ModelError, match=message):
        import_onnx(model.SerializeToString(), "test")


def test_damaged_files_are_read_or_refused() -> None:
    """A byte or a few changed at random: nothing but a ModelError comes out."""
    lot = random.Random(0)
    models = []
    for build in NETWORKS:
        maker = Maker("N", 3, 6, 5)
        models.append(maker.bytes(build(maker)))
    refusals = 0
    for _ in range(800):
        damaged = bytearray(lot.choice(models))
        for _ in range(lot.choice([1, 1, 2, 4])):
            damaged[lot.randrange(len(damaged))] = lot.randrange(256)
        if is_onnx(bytes(damaged)):
            try:
                import_onnx(bytes(damaged), "test")
            except ModelError:
                refusals += 1
    assert refusals > 100


@pytest.mark.parametrize("cut", [10, 400])
def test_a_truncated_file_is_refused(cut: int, tmp_path: Any) -> None:
    data = (ROOT / "examples" / "digits_mlp.onnx").read_bytes()
    path = tmp_path / "cut.onnx"
    path.write_bytes(data[:cut])
    with pytest.raises(ModelError):
        load_model(path)
