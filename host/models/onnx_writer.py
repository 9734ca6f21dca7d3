"""Writes a float :class:`~host.models.graph.Graph` as an ``.onnx`` file.

ONNX's convolutions are NCHW, the graph's NHWC. A value is kept in whatever order of dimensions its
node writes, and moved by a Transpose only where a reader needs another one; the inputs and outputs
have the order of the file that the graph was read from. What an operator becomes is
``onnx_encodings``' to say.
"""

from __future__ import annotations

import onnx
from onnx import TensorProto, helper

from host.errors import ModelError
from host.models.graph import DType, Graph
from host.models.onnx_builder import Permutation, identity
from host.models.onnx_encodings import ENCODERS
from host.models.onnx_nodes import IR_VERSION, OPSET, Nodes


def write_float_onnx(graph: Graph) -> bytes:
    """The bytes of an ``.onnx`` file, which the importer reads as the same computation.

    The same graph gives the same bytes.

    Raises:
        ModelError: the graph is quantized, or has an operator that no node does.
    """
    nodes = Nodes(graph)
    inputs = []
    for position, index in enumerate(graph.inputs):
        order = _order(graph.input_permutations, position, graph.tensors[index].shape)
        name = nodes.declare(index, order)
        inputs.append(_value_info(graph, index, name, order))
    for op in graph.ops:
        encoder = ENCODERS.get(op.kind)
        if encoder is None:
            raise ModelError(
                f"{graph.name}: op {op.kind} {op.name!r} has no place in a float .onnx",
                hint="name an --output that ends in .tflite",
            )
        encoder(nodes, op)
    outputs = []
    for position, index in enumerate(graph.outputs):
        order = _order(graph.output_permutations, position, graph.tensors[index].shape)
        name = nodes.finish(index, order)
        outputs.append(_value_info(graph, index, name, order))
    proto = helper.make_graph(
        nodes.nodes, graph.name or "model", inputs, outputs, nodes.initializers
    )
    model = helper.make_model(
        proto,
        producer_name="jumpstation-hil",
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
    )
    onnx.checker.check_model(model, full_check=True)
    data: bytes = model.SerializeToString(deterministic=True)
    return data


def _order(permutations: list[Permutation], position: int, shape: tuple[int, ...]) -> Permutation:
    return permutations[position] if permutations else identity(len(shape))


def _value_info(graph: Graph, index: int, name: str, order: Permutation) -> onnx.ValueInfoProto:
    tensor = graph.tensors[index]
    if tensor.dtype is not DType.FLOAT32:
        raise ModelError(f"{graph.name}: tensor {tensor.name!r} is {tensor.dtype}, not float32")
    shape = [tensor.shape[axis] for axis in order]
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
