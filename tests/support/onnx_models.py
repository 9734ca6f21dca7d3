"""ONNX models made node by node, and what becomes of them on both sides of the importer."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnxruntime
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from host.models.graph import Graph
from host.models.onnx_importer import import_onnx
from host.models.tflite_writer import write_float_tflite

TOLERANCE = 1e-5
OPSET = 17

Array = NDArray[np.float32]


class Maker:
    """Builds an ONNX model with the input ``x`` node by node; weights are drawn from a seed."""

    def __init__(self, *shape: int | str, seed: int = 0, opset: int = OPSET) -> None:
        self.opset = opset
        self.random = np.random.default_rng(seed)
        self.shape = shape
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def constant(self, values: Any, dtype: Any = np.float32) -> str:
        name = f"constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(values, dtype), name))
        return name

    def drawn(self, *shape: int) -> str:
        return self.constant(self.random.normal(0, 0.5, shape))

    def node(self, kind: str, *inputs: str, **attributes: Any) -> str:
        output = f"value_{len(self.nodes)}"
        node = helper.make_node(kind, list(inputs), [output], name=f"node_{len(self.nodes)}")
        node.attribute.extend(helper.make_attribute(k, v) for k, v in attributes.items())
        self.nodes.append(node)
        return output

    def features(self, flat: str) -> int:
        """Extent of a value of [batch, features], by onnxruntime."""
        return int(onnxruntime.InferenceSession(self.bytes(flat)).get_outputs()[0].shape[1])

    def bytes(self, output: str) -> bytes:
        graph = helper.make_graph(
            self.nodes,
            "test",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, list(self.shape))],
            [helper.make_tensor_value_info(output, TensorProto.FLOAT, None)],
            self.constants,
        )
        for value in graph.output:  # the checker wants a shape, if only an empty one
            value.type.tensor_type.shape.SetInParent()
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", self.opset)])
        model.ir_version = 9
        del model.graph.output[0].type.tensor_type.shape.dim[:]
        session = onnxruntime.InferenceSession(
            _without_output_shape(model), providers=["CPUExecutionProvider"]
        )
        shape = session.get_outputs()[0].shape
        model.graph.output[0].CopyFrom(
            helper.make_tensor_value_info(output, TensorProto.FLOAT, shape)
        )
        return bytes(model.SerializeToString())


def _without_output_shape(model: Any) -> bytes:
    model.graph.output[0].type.tensor_type.ClearField("shape")
    return bytes(model.SerializeToString())


def outputs(data: bytes, seed: int = 1) -> tuple[Graph, Array, Array]:
    """The graph, what onnxruntime computes of the file, and LiteRT of what is written."""
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    shape = [extent if isinstance(extent, int) else 1 for extent in session.get_inputs()[0].shape]
    x = np.random.default_rng(seed).normal(0, 1, shape).astype(np.float32)
    (expected,) = session.run(None, {session.get_inputs()[0].name: x})
    graph = import_onnx(data, "test")
    interpreter = Interpreter(
        model_content=write_float_tflite(graph),
        # The optimized kernels take some models that no other runtime does.
        experimental_op_resolver_type=OpResolverType.BUILTIN_REF,
    )
    interpreter.allocate_tensors()
    target = interpreter.get_input_details()[0]["index"]
    interpreter.set_tensor(target, graph.from_file_layout(0, x))
    interpreter.invoke()
    found = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
    return graph, np.asarray(expected), graph.to_file_layout(0, found)


def assert_equal(data: bytes) -> Graph:
    graph, expected, found = outputs(data)
    assert found.shape == expected.shape
    scale = max(1.0, float(np.abs(expected).max()))
    np.testing.assert_allclose(found, expected, rtol=0, atol=TOLERANCE * scale)
    return graph


def conv(maker: Maker, source: str, channels: int, outputs: int, **attributes: Any) -> str:
    """A 3x3 convolution that keeps height and width, unless ``strides`` say otherwise."""
    weights = maker.drawn(outputs, channels, 3, 3)
    return maker.node("Conv", source, weights, pads=[1, 1, 1, 1], **attributes)
