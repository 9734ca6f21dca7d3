"""Reads an ``.onnx`` file into a :class:`~host.models.graph.Graph`.

onnxruntime folds what is constant and takes batch normalization into the convolutions (its
basic optimizations stay within ONNX's own operators); here the rest becomes the graph's.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import onnx
from onnx import numpy_helper, shape_inference

from host.errors import ModelError
from host.models import onnx_arithmetic as arithmetic
from host.models import onnx_shapes as shapes
from host.models import onnx_windows as windows
from host.models.graph import Graph
from host.models.onnx_builder import NCHW, Builder, Value, identity, inverse

_OPERATORS: dict[str, Callable[[Builder, onnx.NodeProto], None]] = {
    "Add": arithmetic.binary,
    "AveragePool": windows.pool,
    "BatchNormalization": arithmetic.batch_normalization,
    "Clip": arithmetic.clip,
    "Concat": shapes.concatenation,
    "Conv": windows.convolution,
    "Div": arithmetic.binary,
    "Dropout": shapes.same,
    "Flatten": shapes.reshape,
    "Gemm": arithmetic.gemm,
    "GlobalAveragePool": windows.global_average_pool,
    "HardSigmoid": arithmetic.hard_sigmoid,
    "HardSwish": arithmetic.unary,
    "Identity": shapes.same,
    "MatMul": arithmetic.mat_mul,
    "MaxPool": windows.pool,
    "Mul": arithmetic.binary,
    "Pad": shapes.pad,
    "ReduceMean": arithmetic.reduce_mean,
    "Relu": arithmetic.relu,
    "Reshape": shapes.reshape,
    "Sigmoid": arithmetic.unary,
    "Softmax": arithmetic.softmax,
    "Squeeze": shapes.reshape,
    "Sub": arithmetic.binary,
    "Transpose": shapes.transpose,
    "Unsqueeze": shapes.reshape,
}
_OF_IMAGES = frozenset(
    {"Conv", "MaxPool", "AveragePool", "GlobalAveragePool", "BatchNormalization"}
)
_DEFAULT_DOMAINS = ("", "ai.onnx")


def is_onnx(data: bytes) -> bool:
    """Whether ``data`` can be an ONNX model: a protobuf with nodes and an operator set."""
    try:
        model = onnx.ModelProto.FromString(data)
    except Exception:  # protobuf's own class differs between its implementations
        return False
    return bool(model.opset_import) and bool(model.graph.node)


def import_onnx(data: bytes, name: str) -> Graph:
    """The graph in the bytes of an ``.onnx`` file. A dynamic batch is taken as 1.

    Raises:
        ModelError: the model is not valid, has another dynamic dimension, or a node that the
            graph cannot hold; names the node.
    """
    model = onnx.ModelProto.FromString(data)
    _fix_batch(model, name)
    try:
        onnx.checker.check_model(model)
        model = shape_inference.infer_shapes(_optimized(model, name), data_prop=True)
    except (onnx.checker.ValidationError, shape_inference.InferenceError) as error:
        raise ModelError(f"{name}: not a valid ONNX model: {_first_line(error)}") from error
    return _import(model, name)


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)


def _fix_batch(model: onnx.ModelProto, name: str) -> None:
    initialized = {tensor.name for tensor in model.graph.initializer}
    batches: set[str] = set()
    for value in model.graph.input:
        if value.name in initialized:
            continue
        for axis, dimension in enumerate(value.type.tensor_type.shape.dim):
            if dimension.HasField("dim_value") and dimension.dim_value > 0:
                continue
            if axis > 0:
                label = dimension.dim_param or "unnamed"
                raise ModelError(
                    f"{name}: dimension {axis} ({label}) of input {value.name!r} is dynamic; "
                    "export the model with a fixed size (only the batch is taken as 1)"
                )
            batches.add(dimension.dim_param)
            dimension.dim_value = 1
    # What was inferred for another batch no longer holds.
    del model.graph.value_info[:]
    for value in model.graph.output:
        for dimension in value.type.tensor_type.shape.dim:
            if dimension.dim_param and dimension.dim_param in batches:
                dimension.dim_value = 1


def _optimized(model: onnx.ModelProto, name: str) -> onnx.ModelProto:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "optimized.onnx")
        options.optimized_model_filepath = str(path)
        try:
            onnxruntime.InferenceSession(
                model.SerializeToString(), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # onnxruntime's exceptions have no common base of their own
            raise ModelError(f"{name}: onnxruntime refuses it: {_first_line(error)}") from error
        return onnx.load(path)


def _import(model: onnx.ModelProto, name: str) -> Graph:
    proto = model.graph
    b = Builder(name, _shapes(proto))
    b.constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in proto.initializer}
    b.count_uses(proto)
    inputs = [value for value in proto.input if value.name not in b.constants]
    image_inputs = {
        node.input[0] for node in proto.node if node.op_type in _OF_IMAGES and node.input
    }
    for value in inputs:
        shape = b.shapes[value.name]
        order = NCHW if len(shape) == len(NCHW) and value.name in image_inputs else None
        permutation = order or identity(len(shape))
        tensor = b.add_tensor(value.name, tuple(shape[axis] for axis in inverse(permutation)))
        b.define(value.name, tensor, permutation)
    sources = [b.value(value.name) for value in inputs]
    for node in proto.node:
        if node.op_type == "Constant":
            b.constants[node.output[0]] = numpy_helper.to_array(node.attribute[0].t)
            continue
        operator = _OPERATORS.get(node.op_type) if node.domain in _DEFAULT_DOMAINS else None
        if operator is None:
            b.refuse(node, f"is not supported; supported: {', '.join(_OPERATORS)}")
        operator(b, node)
    results = [b.value(value.name) for value in proto.output]
    return Graph(
        name=name,
        tensors=b.tensors,
        ops=b.ops,
        inputs=[value.tensor for value in sources],
        outputs=[value.tensor for value in results],
        source_format="onnx",
        input_permutations=_permutations(sources),
        output_permutations=_permutations(results),
    )


def _permutations(values: list[Value]) -> list[tuple[int, ...]]:
    if all(value.permutation == identity(len(value.permutation)) for value in values):
        return []
    return [value.permutation for value in values]


def _shapes(proto: onnx.GraphProto) -> dict[str, tuple[int, ...]]:
    found = {}
    for value in (*proto.input, *proto.value_info, *proto.output):
        dimensions = value.type.tensor_type.shape.dim
        found[value.name] = tuple(dimension.dim_value for dimension in dimensions)
    return found
