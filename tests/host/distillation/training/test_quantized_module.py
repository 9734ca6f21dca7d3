"""The fake-quantized module starts as the quantizer's model and equals TFLM step by step."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is an extra and not installed here: '.[train]'")

import torch
from numpy.typing import NDArray

from host.compiler import compile_graph
from host.distillation.quantization import quantize
from host.distillation.training.fake_quantization import rounded, rounded_twice, straight_through
from host.distillation.training.quantized_module import QuantizedModule
from host.errors import ModelError
from host.models import load_model
from host.models.graph import Graph, OpKind
from host.models.tflite_importer import import_tflite
from host.models.tflite_writer import write_tflite
from host.reference.inference import reference_run
from tests.support.make import ROOT
from tests.support.models import published_model
from tests.support.onnx_models import Maker
from tests.support.onnx_networks import NETWORKS

EXAMPLES = ROOT / "examples"
ONE_STEP_SHARE = 0.99


def quantized_module(graph: Graph, samples: NDArray[np.float32], precision: str) -> QuantizedModule:
    found = quantize(graph, samples, samples[:8], precision)
    return QuantizedModule(graph, import_tflite(found.tflite, graph.name))


def steps_off(
    module: QuantizedModule, samples: NDArray[np.float32]
) -> dict[str, NDArray[np.float64]]:
    """By op, how many steps its int8 output is from what TFLM's arithmetic gives."""
    graph = module.to_quantized_graph()
    written = [op.outputs[0] for op in graph.ops]
    with torch.no_grad():
        values = module.tensors(written, torch.from_numpy(samples))
    source = graph.tensors[graph.inputs[0]].quantization
    found: dict[str, list[NDArray[np.float64]]] = {}
    for place, sample in enumerate(samples):
        steps = np.round(sample / source.scales[0]) + source.zero_point
        expected = reference_run(graph, [np.clip(steps, -128, 127).astype(np.int8)])
        for index, tensor in zip(written, values, strict=True):
            its = graph.tensors[index].quantization
            mine = np.round(tensor[place].numpy() / its.scale) + its.zero_point
            name = f"{index} {graph.tensors[index].name}"
            found.setdefault(name, []).append(np.abs(mine - expected[index]).reshape(-1))
    return {name: np.concatenate(each) for name, each in found.items()}


@pytest.mark.parametrize("precision", ["int8", "int4"])
@pytest.mark.parametrize("name", ["digits_mlp", "digits_cnn"])
def test_the_examples_equal_tflm_in_every_layer(name: str, precision: str) -> None:
    graph = load_model(EXAMPLES / f"{name}.onnx")
    shape = graph.tensors[graph.inputs[0]].shape
    images = np.load(EXAMPLES / "test" / "images.npy")[:60].reshape(60, *shape)
    module = quantized_module(graph, images, precision)
    moved(module, 0.05)
    for layer, off in steps_off(module, images[:30]).items():
        assert (off == 0).mean() >= ONE_STEP_SHARE, layer
        assert off.max() <= 1, layer


def moved(module: QuantizedModule, deviation: float) -> None:
    """Away from where the quantizer left weights, scales and ranges, as training does it."""
    torch.manual_seed(0)
    with torch.no_grad():
        for parameter in module.range_parameters():
            parameter += deviation * torch.randn_like(parameter)
        for parameter in module.trained.values():
            parameter += deviation * parameter.std() * torch.randn_like(parameter)


@pytest.mark.parametrize("build", NETWORKS, ids=[build.__name__ for build in NETWORKS])
def test_whatever_is_imported_is_within_a_step_of_tflm(
    build: Callable[[Maker], str], tmp_path: Path
) -> None:
    maker = Maker(1, 3, 6, 5)
    (tmp_path / "m.onnx").write_bytes(maker.bytes(build(maker)))
    graph = load_model(tmp_path / "m.onnx")
    shape = graph.tensors[graph.inputs[0]].shape
    samples = np.random.default_rng(0).standard_normal((24, *shape)).astype(np.float32)
    module = quantized_module(graph, samples, "int4")
    moved(module, 0.02)
    for layer, off in steps_off(module, samples).items():
        assert (off <= 1).mean() >= ONE_STEP_SHARE, layer
    exported = import_tflite(write_tflite(module.to_quantized_graph()), "m")
    assert len(compile_graph(exported).data) > 0


def test_a_published_residual_network_is_within_a_step_of_tflm() -> None:
    graph = load_model(published_model("ic_resnet8_float"))
    shape = graph.tensors[graph.inputs[0]].shape
    samples = np.random.default_rng(0).standard_normal((8, *shape)).astype(np.float32)
    module = quantized_module(graph, samples, "int8")
    for layer, off in steps_off(module, samples[:1]).items():
        assert (off <= 1).mean() >= ONE_STEP_SHARE, layer


@pytest.mark.parametrize("precision", ["int8", "int4"])
def test_before_training_it_is_the_quantizers_model(precision: str) -> None:
    graph = load_model(EXAMPLES / "digits_cnn.onnx")
    images = np.load(EXAMPLES / "calibration" / "images.npy").reshape(
        -1, *graph.tensors[graph.inputs[0]].shape
    )
    start = import_tflite(quantize(graph, images, images[:20], precision).tflite, "m")
    learned = QuantizedModule(graph, start).to_quantized_graph()
    for before, after in zip(start.tensors, learned.tensors, strict=True):
        if before.quantization is None:
            continue
        assert after.quantization is not None
        np.testing.assert_array_equal(after.quantization.scales, before.quantization.scales)
        np.testing.assert_array_equal(
            after.quantization.zero_points, before.quantization.zero_points
        )
        if before.data is not None:
            # The quantizer multiplies by the scale's reciprocal: a weight between two steps
            # may fall to either.
            assert np.abs(after.data.astype(np.int64) - before.data).max() <= 1, before.name
            assert (after.data == before.data).mean() > 0.99, before.name


def test_what_is_learned_and_what_is_the_contract() -> None:
    graph = load_model(EXAMPLES / "digits_mlp.onnx")
    images = np.load(EXAMPLES / "test" / "images.npy")[:40].reshape(40, 1, 64)
    module = quantized_module(graph, images, "int4")
    before = module.quantized
    moved(module, 0.1)
    after = module.to_quantized_graph()
    changed = {
        op.kind
        for op in after.ops
        if after.tensors[op.outputs[0]].quantization.scale
        != before.tensors[op.outputs[0]].quantization.scale
    }
    assert changed == {OpKind.FULLY_CONNECTED}  # SOFTMAX's kernel gives 1/256 and nothing else
    (source,) = after.inputs
    assert after.tensors[source].quantization.scale == before.tensors[source].quantization.scale
    for op in after.ops:
        if op.kind is OpKind.FULLY_CONNECTED:
            source, weights, bias = (after.tensors[index].quantization for index in op.inputs)
            np.testing.assert_allclose(bias.scales, source.scales * weights.scales, rtol=1e-6)


@pytest.mark.parametrize("precision", ["int8", "int4"])
def test_channels_of_zeros_keep_their_bias(precision: str) -> None:
    """As pruning leaves them: the quantizer's scale for them has no room for a bias in 32 bits."""
    graph = load_model(EXAMPLES / "digits_mlp.onnx")
    (weights, bias), images = graph.ops[0].inputs[1:], np.load(EXAMPLES / "test" / "images.npy")
    emptied = graph.tensors[weights].data.copy()
    emptied[::3] = 0.0
    graph.tensors[weights].data = emptied
    graph.tensors[bias].data = graph.tensors[bias].data + np.float32(0.5)
    samples = images[:60].reshape(60, 1, 64)
    module = quantized_module(graph, samples, precision)
    exported = module.to_quantized_graph()
    quantization = exported.tensors[bias].quantization
    real = exported.tensors[bias].data * quantization.scales.astype(np.float64)
    np.testing.assert_allclose(real, graph.tensors[bias].data, atol=1e-3)
    for layer, off in steps_off(module, samples[:20]).items():
        assert off.max() <= 1, layer


def test_gradients_go_straight_through_the_rounding() -> None:
    values = torch.tensor([-2.5, -0.4, 0.5, 1.5], requires_grad=True)
    result = rounded(values)
    assert result.tolist() == [-3.0, 0.0, 1.0, 2.0]  # halves away from zero
    result.sum().backward()
    assert values.grad.tolist() == [1.0] * 4
    assert rounded(values, half_to_even=True).tolist() == [-2.0, 0.0, 0.0, 2.0]


def test_the_result_is_the_given_one_to_the_last_bit() -> None:
    values = torch.tensor([1e8, 100.3, 1e-8], requires_grad=True)
    result = torch.tensor([1.0, 100.0, 3.0])
    assert straight_through(values, result).tolist() == result.tolist()


def test_multiplying_rounds_twice() -> None:
    # 0.4999 with a multiplier of 2^-4: to sixteenths first (0.5), then away from zero.
    values, multiplier = torch.tensor([0.4999, 0.4]), torch.tensor([2.0**-5])
    assert rounded_twice(values, multiplier).tolist() == [1.0, 0.0]
    assert rounded(values).tolist() == [0.0, 0.0]


def test_another_models_quantized_form_is_refused() -> None:
    mlp, cnn = (load_model(EXAMPLES / f"digits_{name}.onnx") for name in ("mlp", "cnn"))
    with pytest.raises(ModelError, match="quantized form has other ops"):
        QuantizedModule(mlp, load_model(EXAMPLES / "digits_cnn_int8.tflite"))
    assert cnn.ops
