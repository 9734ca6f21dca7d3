"""LiteRT and onnxruntime as oracles: what they say of a model, and that their end is not ours."""

from __future__ import annotations

import zlib
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper

from host.errors import ModelError
from host.measurement.inputs import seeded_inputs
from host.reference.engines import engine_output, inspect_model, version_here
from protocol.capabilities import Capabilities, EngineOffer
from protocol.messages import Engine

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"


def write_onnx(path: Path, weights: np.ndarray[tuple[int, ...], np.dtype[np.generic]]) -> Path:
    """``y = x @ w`` with an open batch; w is cast to float32 where it is not."""
    kind = helper.np_dtype_to_tensor_dtype(weights.dtype)
    graph = helper.make_graph(
        [
            helper.make_node("Cast", ["w"], ["f"], to=TensorProto.FLOAT),
            helper.make_node("MatMul", ["x", "f"], ["y"]),
        ],
        "matmul",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 3])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", 2])],
        [helper.make_tensor("w", kind, weights.shape, weights.tobytes(), raw=True)],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, path)
    return path


def test_a_quantized_tflite_file_is_described() -> None:
    contract = inspect_model(Engine.LITERT, EXAMPLES / "digits_mlp_int8.tflite")
    assert contract.precision == "int8"
    (entry,) = contract.inputs
    assert (entry.shape, entry.dtype, entry.size_bytes) == ((1, 64), "int8", 64)
    assert entry.scale > 0


@pytest.mark.parametrize(
    ("dtype", "precision"), [("float32", "float32"), ("float16", "float16"), ("int8", "int8")]
)
def test_onnx_precision_is_its_weights(tmp_path: Path, dtype: str, precision: str) -> None:
    path = write_onnx(tmp_path / "m.onnx", np.arange(6).reshape(3, 2).astype(dtype))
    contract = inspect_model(Engine.ONNXRUNTIME, path)
    assert contract.precision == precision
    (entry,) = contract.inputs
    assert (entry.shape, entry.dtype, entry.size_bytes) == ((1, 3), "float32", 12)


def test_the_output_is_the_engines_own(tmp_path: Path) -> None:
    weights = np.array([[1, 2], [3, 4], [5, 6]], np.float32)
    path = write_onnx(tmp_path / "m.onnx", weights)
    contract = inspect_model(Engine.ONNXRUNTIME, path)
    inputs = seeded_inputs(contract.inputs, seed=5)
    (data,) = inputs.data
    values = np.frombuffer(data, np.float32).reshape(1, 3)
    assert np.all((values >= -1) & (values < 1))
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    expected = session.run(None, {"x": values})[0]
    np.testing.assert_allclose(expected, values @ weights, rtol=1e-6)
    board = Capabilities(
        uid="00", engines=(EngineOffer(Engine.ONNXRUNTIME, frozenset({2}), "onnxruntime 1.0"),)
    )
    output = engine_output(Engine.ONNXRUNTIME, path, contract, inputs.data, board)
    assert output.crc32 == zlib.crc32(expected.tobytes())
    assert version_here(Engine.ONNXRUNTIME) in output.arithmetic
    assert not output.is_binding


@pytest.mark.parametrize("engine", [Engine.LITERT, Engine.ONNXRUNTIME])
def test_what_an_engine_refuses_is_the_models_error(engine: Engine, tmp_path: Path) -> None:
    garbage = tmp_path / "model"
    garbage.write_bytes(b"garbage" * 100)
    with pytest.raises(ModelError, match=f"{engine.name.lower()} (does not load|crashes)"):
        inspect_model(engine, garbage)
