"""Reads an ``.onnx`` file into a :class:`~host.models.graph.Graph`.

onnxruntime folds what is constant and takes batch normalization into the convolutions (its
basic optimizations stay within ONNX's own operators); here the rest becomes the graph's.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import onnx
from onnx import external_data_helper, numpy_helper, shape_inference

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


def external_files(data: bytes) -> list[str]:
    """Names of the files beside an ``.onnx`` file that hold its larger tensors, sorted."""
    return sorted(
        {
            entry.value
            for tensor in _external_tensors(onnx.ModelProto.FromString(data))
            for entry in tensor.external_data
            if entry.key == "location"
        }
    )


def _external_tensors(model: onnx.ModelProto) -> Iterator[onnx.TensorProto]:
    return (t for t in model.graph.initializer if external_data_helper.uses_external_data(t))


def import_onnx(data: bytes, name: str, folder: Path | None = None) -> Graph:
    """The graph in the bytes of an ``.onnx`` file. A dynamic batch is taken as 1.

    Args:
        data: the file's content.
        name: what messages and the graph call the model.
        folder: where the file's external tensors lie, if it has any.

    Raises:
        ModelError: the model is not valid, has another dynamic dimension, or a node that the
            graph cannot hold; names the node.
    """
    model = onnx.ModelProto.FromString(data)
    try:
        if folder is not None and external_files(data):
            external_data_helper.load_external_data_for_model(model, str(folder))
        notes = _fix_batch(model, name)
        onnx.checker.check_model(model)
        model = shape_inference.infer_shapes(_optimized(model, name), data_prop=True)
    except (
        onnx.checker.ValidationError,
        shape_inference.InferenceError,
        OSError,
        ValueError,  # external data that is too short
    ) as error:
        raise ModelError(f"{name}: not a valid ONNX model: {_first_line(error)}") from error
    graph = _import(model, name)
    graph.notes = notes
    return graph


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)


def _fix_batch(model: onnx.ModelProto, name: str) -> list[str]:
    """Makes a dynamic batch 1 and refuses every other input that is not settled; says what it did.

    Raises:
        ModelError: an input has another dynamic dimension, no shape, or is not float32.
    """
    initialized = {tensor.name for tensor in model.graph.initializer}
    batches: set[str] = set()
    notes = []
    for value in model.graph.input:
        if value.name in initialized:
            continue
        tensor = value.type.tensor_type
        if tensor.elem_type != onnx.TensorProto.FLOAT:
            kind = onnx.TensorProto.DataType.Name(tensor.elem_type).lower()
            raise ModelError(
                f"{name}: input {value.name!r} is {kind}; export the model with float32 inputs"
            )
        if not tensor.HasField("shape"):
            raise ModelError(f"{name}: input {value.name!r} has no shape; export it with one")
        for axis, dimension in enumerate(tensor.shape.dim):
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
            notes.append(f"{name}: the dynamic batch of input {value.name!r} is taken as 1")
    # What was inferred for another batch no longer holds.
    del model.graph.value_info[:]
    for value in model.graph.output:
        for dimension in value.type.tensor_type.shape.dim:
            if dimension.dim_param and dimension.dim_param in batches:
                dimension.dim_value = 1
    return notes


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
    opset = next(each.version for each in model.opset_import if each.domain in _DEFAULT_DOMAINS)
    b = Builder(name, _shapes(proto), opset)
    b.constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in proto.initializer}
    b.count_uses(proto)
    inputs = [value for value in proto.input if value.name not in b.constants]
    image_inputs = {
        node.input[0] for node in proto.node if node.op_type in _OF_IMAGES and node.input
    }
    for value in inputs:
        shape = b.shape(value.name)
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
        if any(b.is_read(output) for output in node.output[1:]):
            b.refuse(node, "has more than one output that is read; one is supported")
        try:
            with np.errstate(all="ignore"):  # what is not finite is refused as such
                operator(b, node)
        except (ValueError, IndexError, KeyError, TypeError, OverflowError) as error:
            b.refuse(node, f"does not fit its own inputs ({_first_line(error)})")
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
    """Of every value whose shape is known in full."""
    found = {}
    for value in (*proto.input, *proto.value_info, *proto.output):
        tensor = value.type.tensor_type
        extents = tuple(dimension.dim_value for dimension in tensor.shape.dim)
        if tensor.HasField("shape") and all(extent > 0 for extent in extents):
            found[value.name] = extents
    return found
