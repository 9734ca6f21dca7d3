"""Importing: the graph as LiteRT sees it, and a clear refusal of everything else."""

from __future__ import annotations

import contextlib
import random
from pathlib import Path

import ai_edge_litert.schema_py_generated as schema
import flatbuffers
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from host.compiler import compile_graph
from host.errors import ConfigError, ExitCode, ModelError
from host.models import load_model
from host.models.graph import DType, OpKind
from host.models.tflite_importer import import_tflite
from tests.support.models import INT8_MODELS, published_model
from tests.support.single_op_models import STRATEGIES, SingleOpModel, single_op_models


@pytest.mark.parametrize("name", [*INT8_MODELS, "ad01_fp32", "ic_resnet8_float"])
def test_tensors_and_ops_are_the_files(name: str) -> None:
    path = published_model(name)
    graph = load_model(path)
    packed = schema.ModelT.InitFromPackedBuf(path.read_bytes())
    subgraph = packed.subgraphs[0]
    assert [tensor.shape for tensor in graph.tensors] == [
        tuple(tensor.shape if tensor.shape is not None else ()) for tensor in subgraph.tensors
    ]
    for tensor, source in zip(graph.tensors, subgraph.tensors, strict=True):
        data = packed.buffers[source.buffer].data
        assert (b"" if tensor.data is None else tensor.data.tobytes()) == (
            b"" if data is None else bytes(data)
        )
    assert len(graph.ops) == len(subgraph.operators)
    assert graph.inputs == list(subgraph.inputs)
    assert graph.source_format == "tflite"
    assert len(graph.sha256) == 64


def test_one_dimensional_biases_are_quantized_along_dimension_0() -> None:
    graph = load_model(published_model("ic_resnet8_int8"))
    biases = [tensor for tensor in graph.tensors if tensor.dtype is DType.INT32]
    assert biases
    assert all(bias.quantization is None or bias.quantization.axis == 0 for bias in biases)


@pytest.mark.parametrize("kind", STRATEGIES)
def test_what_was_written_is_read(kind: OpKind) -> None:
    @settings(
        max_examples=10, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
    )
    @given(single_op_models(kind))
    def same(model: SingleOpModel) -> None:
        graph = import_tflite(model.tflite, "generated")
        op, written = graph.ops[0], model.graph.ops[0]
        assert (op.kind, op.attributes) == (written.kind, written.attributes)
        assert op.inputs == written.inputs
        for index, tensor in enumerate(model.graph.tensors):
            assert graph.tensors[index].shape == tensor.shape

    same()


def _refuses(data: bytes) -> None:
    """Imports and compiles, or says ModelError; nothing else."""
    with contextlib.suppress(ModelError):
        compile_graph(import_tflite(data, "broken"))


def test_every_truncation_is_refused_clearly() -> None:
    data = published_model("hello_world_int8").read_bytes()
    for length in range(8, len(data), 7):
        _refuses(data[:length])


def test_mutations_never_show_a_traceback() -> None:
    data = published_model("hello_world_int8").read_bytes()
    randomness = random.Random(2)
    for _ in range(3000):
        mutated = bytearray(data)
        for _ in range(randomness.randint(1, 6)):
            mutated[randomness.randrange(8, len(mutated))] = randomness.choice(
                (0, 1, 0x7F, 0x80, 0xFF, randomness.randrange(256))
            )
        _refuses(bytes(mutated))


@given(st.binary(max_size=400))
def test_random_bytes_behind_the_identifier(noise: bytes) -> None:
    _refuses(noise[:4].ljust(4, b"\0") + b"TFL3" + noise[4:])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty"),
        (b"hello", "no known model format"),
        (random.Random(1).randbytes(5000), "no known model format"),
    ],
)
def test_what_is_no_model_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "model.tflite"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=message) as caught:
        load_model(path)
    assert caught.value.exit_code is ExitCode.MODEL


def test_a_missing_file_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"gone\.tflite: No such file"):
        load_model(tmp_path / "gone.tflite")


def _pack(model: schema.ModelT) -> bytes:
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())


def _unpacked() -> schema.ModelT:
    return schema.ModelT.InitFromPackedBuf(published_model("hello_world_int8").read_bytes())


def test_an_unsupported_op_is_named_with_what_is_supported() -> None:
    model = _unpacked()
    model.operatorCodes[0].builtinCode = schema.BuiltinOperator.SVDF
    model.operatorCodes[0].deprecatedBuiltinCode = schema.BuiltinOperator.SVDF
    with pytest.raises(ModelError, match=r"op 0 .*is SVDF.*supported: ADD, AVERAGE_POOL_2D"):
        import_tflite(_pack(model), "model")


def test_a_custom_op_is_named() -> None:
    model = _unpacked()
    model.operatorCodes[0].builtinCode = schema.BuiltinOperator.CUSTOM
    model.operatorCodes[0].deprecatedBuiltinCode = schema.BuiltinOperator.CUSTOM
    model.operatorCodes[0].customCode = "Mystery"
    with pytest.raises(ModelError, match="custom operator 'Mystery'"):
        import_tflite(_pack(model), "model")


def test_a_second_subgraph_is_refused() -> None:
    model = _unpacked()
    model.subgraphs.append(model.subgraphs[0])
    with pytest.raises(ModelError, match="2 subgraphs"):
        import_tflite(_pack(model), "model")


def test_an_element_type_outside_the_graph_is_refused() -> None:
    model = _unpacked()
    model.subgraphs[0].tensors[0].type = schema.TensorType.COMPLEX64
    with pytest.raises(ModelError, match=r"is COMPLEX64; supported: .*int8"):
        import_tflite(_pack(model), "model")


def test_an_unfixed_dimension_is_refused() -> None:
    model = _unpacked()
    model.subgraphs[0].tensors[0].shape = np.array([-1, 1], np.int32)
    with pytest.raises(ModelError, match="export it with fixed dimensions"):
        import_tflite(_pack(model), "model")
