"""What the writer packs, run by LiteRT, equals onnxruntime (or NumPy) for every operator."""

from __future__ import annotations

import ai_edge_litert.schema_py_generated as schema
import attrs
import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from host.errors import ModelError
from host.models.graph import Activation, DType, OpKind, Quantization
from host.models.tflite_writer import BUFFER_ALIGNMENT_BYTES, write_float_tflite
from tests.support.float_op_cases import CASES, ROWS, Array, conv, single_op


def run_litert(model: bytes, inputs: list[Array]) -> Array:
    interpreter = Interpreter(
        model_content=model, experimental_op_resolver_type=OpResolverType.BUILTIN_REF
    )
    interpreter.allocate_tensors()
    for detail, values in zip(interpreter.get_input_details(), inputs, strict=True):
        interpreter.set_tensor(detail["index"], values)
    interpreter.invoke()
    result: Array = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
    return result


@pytest.mark.parametrize("name", CASES)
def test_litert_computes_what_the_graph_says(name: str) -> None:
    case = CASES[name]()
    result = run_litert(write_float_tflite(case.graph), case.inputs)
    expected = case.expected()
    assert result.shape == expected.shape
    np.testing.assert_allclose(result, expected, rtol=1e-5, atol=1e-5)


HALVES = Quantization(np.array([0.5], np.float32), np.array([3], np.int64))


def test_quantize_writes_scale_and_zero_point() -> None:
    graph = single_op(
        OpKind.QUANTIZE, [ROWS], ROWS.shape, output_dtype=DType.INT8, quantization=HALVES
    )
    result = run_litert(write_float_tflite(graph), [ROWS])
    assert result.dtype == np.int8
    np.testing.assert_array_equal(result, np.round(ROWS / 0.5) + 3)


def test_dequantize_reads_scale_and_zero_point() -> None:
    values = np.arange(-4, 4, dtype=np.int8).reshape(2, 4)
    graph = single_op(OpKind.DEQUANTIZE, [values], (2, 4), quantization=HALVES)
    result = run_litert(write_float_tflite(graph), [values])
    np.testing.assert_array_equal(result, (values.astype(np.float32) - 3) * 0.5)


def test_every_operator_of_the_graph_has_a_case() -> None:
    covered = {name.split(" ")[0] for name in CASES} | {"QUANTIZE", "DEQUANTIZE"}
    assert covered == {kind.value for kind in OpKind}


def test_an_unknown_dtype_is_refused_by_name() -> None:
    graph = single_op(OpKind.LOGISTIC, [ROWS], ROWS.shape, output_dtype=DType.UINT8)
    with pytest.raises(ModelError, match=r"'output' is uint8"):
        write_float_tflite(graph)


def test_weights_are_aligned_and_the_bytes_repeat() -> None:
    case = conv(1, 1)
    model = write_float_tflite(case.graph)
    assert model == write_float_tflite(case.graph)
    assert model[4:8] == b"TFL3"
    constants = [each.data for each in case.graph.tensors if each.data is not None]
    for constant in constants:
        assert model.find(constant.tobytes()) % BUFFER_ALIGNMENT_BYTES == 0
    root = schema.ModelT.InitFromPackedBuf(model, 0)
    assert [each.name for each in root.subgraphs[0].tensors] == [
        each.name.encode() for each in case.graph.tensors
    ]


def test_tensors_of_one_name_are_told_apart() -> None:
    graph = single_op(OpKind.ADD, [ROWS, ROWS], ROWS.shape, activation=Activation.NONE)
    graph.tensors[1] = attrs.evolve(graph.tensors[1], name=graph.tensors[0].name)
    root = schema.ModelT.InitFromPackedBuf(write_float_tflite(graph), 0)
    names = [each.name for each in root.subgraphs[0].tensors]
    assert names[:2] == [b"input_0", b"input_0_2"]
    assert len(names) == len(set(names))
