"""Reads a ``.tflite`` file into a :class:`~host.models.graph.Graph`.

Only what the graph holds is read, through the schema's accessors, so that a
corrupt file costs neither time nor memory: every count is bounded before it is
walked, and whatever FlatBuffers raises becomes a :class:`ModelError`.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable
from typing import Any

import ai_edge_litert.schema_py_generated as schema
import numpy as np
from numpy.typing import NDArray

from host.errors import ModelError
from host.models.graph import Activation, DType, Graph, Op, OpKind, Padding, Quantization, Tensor

FILE_IDENTIFIER = b"TFL3"
IDENTIFIER_OFFSET = 4
MAX_TENSORS = 65_535
MAX_OPS = 65_535
MAX_RANK = 8
MAX_OP_INPUTS = 1_024
MAX_ELEMENTS = 1 << 31
OPTIONAL_TENSOR = -1

_DTYPES: dict[int, tuple[DType, str]] = {
    schema.TensorType.INT8: (DType.INT8, "<i1"),
    schema.TensorType.UINT8: (DType.UINT8, "<u1"),
    schema.TensorType.INT16: (DType.INT16, "<i2"),
    schema.TensorType.INT32: (DType.INT32, "<i4"),
    schema.TensorType.INT64: (DType.INT64, "<i8"),
    schema.TensorType.FLOAT32: (DType.FLOAT32, "<f4"),
    schema.TensorType.BOOL: (DType.BOOL, "?"),
}


def _names_of(enum: type) -> dict[int, str]:
    return {value: name for name, value in vars(enum).items() if isinstance(value, int)}


_OPERATOR_NAMES = _names_of(schema.BuiltinOperator)
_TENSOR_TYPE_NAMES = _names_of(schema.TensorType)
_ACTIVATION_NAMES = _names_of(schema.ActivationFunctionType)


def is_tflite(data: bytes) -> bool:
    """Whether ``data`` begins as a ``.tflite`` file does."""
    return data[IDENTIFIER_OFFSET : IDENTIFIER_OFFSET + 4] == FILE_IDENTIFIER


def import_tflite(data: bytes, name: str) -> Graph:
    """The graph in the bytes of a ``.tflite`` file.

    Constant inputs of RESHAPE, MEAN, PAD and TRANSPOSE become attributes.

    Raises:
        ModelError: the file is corrupt, or holds what a graph cannot hold.
    """
    if not is_tflite(data):
        raise ModelError(f"{name}: not a .tflite file (the identifier TFL3 is missing)")
    try:
        return _Importer(data, name).graph()
    except ModelError:
        raise
    except (
        struct.error,
        ValueError,
        TypeError,
        IndexError,
        KeyError,
        AttributeError,
        OverflowError,
        MemoryError,
        RecursionError,
    ) as error:
        raise ModelError(
            f"{name}: the .tflite file is truncated or corrupt "
            f"({type(error).__name__}: {error}); export or download it again"
        ) from error


class _Importer:
    def __init__(self, data: bytes, name: str) -> None:
        self._data = data
        self._name = name
        self._model = schema.Model.GetRootAs(data, 0)
        self._subgraph: Any = None
        self._tensors: list[Tensor] = []

    def graph(self) -> Graph:
        model = self._model
        self._count("subgraphs", model.SubgraphsLength())
        if model.SubgraphsLength() != 1:
            raise ModelError(
                f"{self._name}: has {model.SubgraphsLength()} subgraphs; one is supported "
                "(export the model without control flow)"
            )
        self._subgraph = model.Subgraphs(0)
        tensor_count = self._count("tensors", self._subgraph.TensorsLength(), MAX_TENSORS)
        op_count = self._count("operators", self._subgraph.OperatorsLength(), MAX_OPS)
        self._tensors = [self._tensor(index) for index in range(tensor_count)]
        ops = [self._op(index) for index in range(op_count)]
        inputs = self._edge("inputs", self._subgraph.InputsLength(), self._subgraph.InputsAsNumpy())
        outputs = self._edge(
            "outputs", self._subgraph.OutputsLength(), self._subgraph.OutputsAsNumpy()
        )
        return Graph(
            name=self._name,
            tensors=self._tensors,
            ops=ops,
            inputs=inputs,
            outputs=outputs,
            source_format="tflite",
        )

    def _count(self, what: str, count: int, limit: int = MAX_TENSORS) -> int:
        # Every element of a table vector takes 4 bytes at least.
        if count > min(limit, len(self._data) // 4):
            raise ModelError(f"{self._name}: claims {count} {what}; the file is corrupt")
        return count

    def _edge(self, what: str, count: int, values: Any) -> list[int]:
        if count == 0:
            raise ModelError(f"{self._name}: has no {what}")
        self._count(what, count)
        indices = [int(value) for value in values]
        for index in indices:
            if not 0 <= index < len(self._tensors):
                raise ModelError(
                    f"{self._name}: its {what} name tensor {index}, which is not there"
                )
        return indices

    # Tensors

    def _tensor(self, index: int) -> Tensor:
        record = self._subgraph.Tensors(index)
        raw_name = record.Name()
        name = raw_name.decode("utf-8", "replace") if raw_name else f"tensor_{index}"
        where = f"{self._name}: tensor {index} {name!r}"
        if record.Type() not in _DTYPES:
            type_name = _TENSOR_TYPE_NAMES.get(record.Type(), f"type {record.Type()}")
            supported = ", ".join(sorted(dtype for dtype, _ in _DTYPES.values()))
            raise ModelError(f"{where} is {type_name}; supported: {supported}")
        if record.IsVariable():
            raise ModelError(f"{where} keeps state between runs, which is not supported")
        if record.Sparsity() is not None:
            raise ModelError(f"{where} is stored sparse; export it dense")
        dtype, storage = _DTYPES[record.Type()]
        if record.ShapeLength() > MAX_RANK:
            raise ModelError(f"{where} has {record.ShapeLength()} dimensions; at most {MAX_RANK}")
        shape = tuple(int(record.Shape(axis)) for axis in range(record.ShapeLength()))
        if any(extent < 1 for extent in shape):
            raise ModelError(f"{where} has shape {list(shape)}; export it with fixed dimensions")
        elements = 1
        for extent in shape:
            elements *= extent
        if elements > MAX_ELEMENTS:
            raise ModelError(f"{where} has shape {list(shape)}; the file is corrupt")
        return Tensor(
            name=name,
            shape=shape,
            dtype=dtype,
            quantization=self._quantization(record, shape, where),
            data=self._constant(record, shape, elements, storage, where),
            source_index=index,
        )

    def _quantization(self, record: Any, shape: tuple[int, ...], where: str) -> Quantization | None:
        parameters = record.Quantization()
        if parameters is None or parameters.ScaleLength() == 0:
            return None
        count = self._count("scales", parameters.ScaleLength(), max((1, *shape)))
        scales = np.array(parameters.ScaleAsNumpy(), dtype=np.float32)
        if parameters.ZeroPointLength() == 0:
            zero_points = np.zeros(count, dtype=np.int64)
        elif parameters.ZeroPointLength() in (1, count):
            values = np.array(parameters.ZeroPointAsNumpy(), dtype=np.int64)
            zero_points = np.broadcast_to(values, (count,)).copy()
        else:
            raise ModelError(
                f"{where} has {count} scales but {parameters.ZeroPointLength()} zero points"
            )
        # A scale of 0 stands on tensors that no kernel scales, such as shapes.
        if not np.all(np.isfinite(scales)) or np.any(scales < 0):
            raise ModelError(f"{where} has a quantization scale that is negative or not finite")
        axis = parameters.QuantizedDimension()
        if len(shape) <= 1:
            axis = 0  # some published files say 3 for one-dimensional biases
        if count > 1 and not (0 <= axis < len(shape) and shape[axis] == count):
            raise ModelError(
                f"{where} has {count} scales along dimension {axis}, but shape {list(shape)}"
            )
        return Quantization(scales=scales, zero_points=zero_points, axis=axis)

    def _constant(
        self, record: Any, shape: tuple[int, ...], elements: int, storage: str, where: str
    ) -> NDArray[Any] | None:
        index = record.Buffer()
        if index >= self._count("buffers", self._model.BuffersLength(), 2 * MAX_TENSORS):
            raise ModelError(f"{where} names buffer {index}, which is not there")
        buffer = self._model.Buffers(index)
        if buffer is None:
            return None
        if buffer.Offset() > 1:
            raise ModelError(f"{where} keeps its data outside the FlatBuffer; not supported")
        size_bytes = buffer.DataLength()
        if size_bytes == 0:
            return None
        needed = elements * np.dtype(storage).itemsize
        if size_bytes != needed or size_bytes > len(self._data):
            raise ModelError(f"{where} has {size_bytes} bytes of data; its shape needs {needed}")
        raw = bytes(buffer.DataAsNumpy())
        values = np.frombuffer(raw, dtype=np.dtype(storage)).reshape(shape)
        return values.astype(values.dtype.newbyteorder("="))

    # Operators

    def _op(self, index: int) -> Op:
        record = self._subgraph.Operators(index)
        kind = self._kind(record, index)
        inputs = self._indices(record.InputsLength(), record.InputsAsNumpy, index)
        outputs = self._indices(record.OutputsLength(), record.OutputsAsNumpy, index)
        if not outputs or any(output is None for output in outputs):
            raise ModelError(f"{self._name}: op {index} {kind} has no output")
        written = [output for output in outputs if output is not None]
        op = Op(
            kind=kind,
            inputs=inputs,
            outputs=written,
            name=self._tensors[written[0]].name,
            source_index=index,
        )
        _READERS[kind](self, op, record)
        return op

    def _kind(self, record: Any, index: int) -> OpKind:
        codes = self._count("operator codes", self._model.OperatorCodesLength())
        if record.OpcodeIndex() >= codes:
            raise ModelError(f"{self._name}: op {index} has no operator code; the file is corrupt")
        code = self._model.OperatorCodes(record.OpcodeIndex())
        # Files from before builtin code 128 keep it in the deprecated byte.
        builtin = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())
        name = _OPERATOR_NAMES.get(builtin, f"operator {builtin}")
        if builtin == schema.BuiltinOperator.CUSTOM:
            name = f"custom operator {(code.CustomCode() or b'').decode('utf-8', 'replace')!r}"
        if name not in OpKind.__members__:
            first = record.Outputs(0) if record.OutputsLength() else -1
            tensor = (
                f" (tensor {self._tensors[first].name!r})"
                if 0 <= first < len(self._tensors)
                else ""
            )
            supported = ", ".join(sorted(OpKind.__members__))
            raise ModelError(
                f"{self._name}: op {index}{tensor} is {name}, which is not supported; "
                f"supported: {supported}"
            )
        return OpKind[name]

    def _indices(self, count: int, values: Callable[[], Any], op_index: int) -> list[int | None]:
        if count == 0:
            return []
        self._count(f"tensors at op {op_index}", count, MAX_OP_INPUTS)
        indices: list[int | None] = []
        for value in values():
            if value != OPTIONAL_TENSOR and not 0 <= value < len(self._tensors):
                raise ModelError(
                    f"{self._name}: op {op_index} names tensor {value}, which is not there"
                )
            indices.append(None if value == OPTIONAL_TENSOR else int(value))
        return indices

    def where(self, op: Op) -> str:
        return f"{self._name}: op {op.source_index} {op.kind} {op.name!r}"

    def options(self, op: Op, record: Any, options_class: type) -> Any:
        """The op's options table, or None where the file leaves it out."""
        expected = getattr(schema.BuiltinOptions, options_class.__name__)
        table = record.BuiltinOptions()
        if table is None or record.BuiltinOptionsType() == schema.BuiltinOptions.NONE:
            return None
        if record.BuiltinOptionsType() != expected:
            raise ModelError(f"{self.where(op)} carries the options of another operator")
        options = options_class()
        options.Init(table.Bytes, table.Pos)
        return options

    def required_options(self, op: Op, record: Any, options_class: type) -> Any:
        options = self.options(op, record, options_class)
        if options is None:
            raise ModelError(f"{self.where(op)} has no {options_class.__name__}")
        return options

    def activation(self, op: Op, options: Any) -> Activation:
        code = 0 if options is None else options.FusedActivationFunction()
        try:
            return Activation(code)
        except ValueError:
            name = _ACTIVATION_NAMES.get(code, str(code))
            supported = ", ".join(Activation.__members__)
            raise ModelError(
                f"{self.where(op)} has the fused activation {name}; supported: {supported}"
            ) from None

    def take_constant(self, op: Op, position: int, what: str) -> NDArray[Any]:
        """The constant at ``position`` of the inputs, which then leaves them."""
        index = op.inputs[position] if len(op.inputs) > position else None
        tensor = None if index is None else self._tensors[index]
        if tensor is None or tensor.data is None:
            raise ModelError(f"{self.where(op)} needs its {what} as a constant")
        del op.inputs[position:]
        return tensor.data

    def inputs_of(self, op: Op, minimum: int, maximum: int) -> None:
        missing = any(index is None for index in op.inputs[:minimum])
        if missing or not minimum <= len(op.inputs) <= maximum or len(op.outputs) != 1:
            raise ModelError(
                f"{self.where(op)} has {len(op.inputs)} inputs, {len(op.outputs)} outputs"
            )

    def rank(self, op: Op) -> int:
        first = op.inputs[0]
        return 0 if first is None else len(self._tensors[first].shape)


def _window_attributes(reader: _Importer, op: Op, options: Any) -> None:
    if options.Padding() not in (Padding.SAME.value, Padding.VALID.value):
        raise ModelError(f"{reader.where(op)} has padding {options.Padding()}; SAME or VALID")
    op.attributes["padding"] = Padding(options.Padding())
    op.attributes["stride"] = _positive(reader, op, "stride", options.StrideH(), options.StrideW())
    op.attributes["activation"] = reader.activation(op, options)


def _positive(reader: _Importer, op: Op, what: str, height: int, width: int) -> tuple[int, int]:
    if height < 1 or width < 1:
        raise ModelError(f"{reader.where(op)} has {what} {height}x{width}")
    return height, width


def _read_convolution(reader: _Importer, op: Op, record: Any) -> None:
    depthwise = op.kind is OpKind.DEPTHWISE_CONV_2D
    options_class = schema.DepthwiseConv2DOptions if depthwise else schema.Conv2DOptions
    options = reader.required_options(op, record, options_class)
    reader.inputs_of(op, 2, 3)
    _window_attributes(reader, op, options)
    op.attributes["dilation"] = _positive(
        reader, op, "dilation", options.DilationHFactor(), options.DilationWFactor()
    )
    if depthwise:
        op.attributes["depth_multiplier"] = options.DepthMultiplier()


def _read_pool(reader: _Importer, op: Op, record: Any) -> None:
    options = reader.required_options(op, record, schema.Pool2DOptions)
    reader.inputs_of(op, 1, 1)
    _window_attributes(reader, op, options)
    op.attributes["window"] = _positive(
        reader, op, "window", options.FilterHeight(), options.FilterWidth()
    )


def _read_fully_connected(reader: _Importer, op: Op, record: Any) -> None:
    options = reader.options(op, record, schema.FullyConnectedOptions)
    reader.inputs_of(op, 2, 3)
    if options is not None and options.WeightsFormat() != 0:
        raise ModelError(f"{reader.where(op)} has shuffled weights; export them in default order")
    op.attributes["activation"] = reader.activation(op, options)
    op.attributes["keep_num_dims"] = bool(options is not None and options.KeepNumDims())


def _read_elementwise(reader: _Importer, op: Op, record: Any) -> None:
    options_class = schema.AddOptions if op.kind is OpKind.ADD else schema.MulOptions
    reader.inputs_of(op, 2, 2)
    op.attributes["activation"] = reader.activation(op, reader.options(op, record, options_class))


def _read_softmax(reader: _Importer, op: Op, record: Any) -> None:
    reader.inputs_of(op, 1, 1)
    op.attributes["beta"] = float(reader.required_options(op, record, schema.SoftmaxOptions).Beta())


def _read_concatenation(reader: _Importer, op: Op, record: Any) -> None:
    options = reader.required_options(op, record, schema.ConcatenationOptions)
    reader.inputs_of(op, 1, MAX_OP_INPUTS)
    if any(index is None for index in op.inputs):
        raise ModelError(f"{reader.where(op)} lacks an input")
    axis, rank = options.Axis(), reader.rank(op)
    if not -rank <= axis < rank:
        raise ModelError(f"{reader.where(op)} joins along axis {axis} of {rank} dimensions")
    op.attributes["axis"] = axis % rank
    op.attributes["activation"] = reader.activation(op, options)


def _axes(reader: _Importer, op: Op, values: Iterable[Any]) -> tuple[int, ...]:
    rank = reader.rank(op)
    axes = [int(value) for value in values]
    if any(not -rank <= axis < rank for axis in axes):
        raise ModelError(f"{reader.where(op)} names axes {axes} of {rank} dimensions")
    return tuple(axis % rank for axis in axes)


def _read_mean(reader: _Importer, op: Op, record: Any) -> None:
    reader.inputs_of(op, 2, 2)
    options = reader.options(op, record, schema.ReducerOptions)
    values = reader.take_constant(op, 1, "axes")
    op.attributes["axes"] = tuple(sorted(set(_axes(reader, op, np.atleast_1d(values)))))
    op.attributes["keep_dims"] = bool(options is not None and options.KeepDims())


def _read_pad(reader: _Importer, op: Op, _: Any) -> None:
    reader.inputs_of(op, 2, 2)
    paddings = reader.take_constant(op, 1, "paddings")
    if paddings.shape != (reader.rank(op), 2) or np.any(paddings < 0):
        raise ModelError(f"{reader.where(op)} has paddings {paddings.tolist()}")
    op.attributes["paddings"] = tuple((int(before), int(after)) for before, after in paddings)


def _read_transpose(reader: _Importer, op: Op, _: Any) -> None:
    reader.inputs_of(op, 2, 2)
    permutation = _axes(reader, op, reader.take_constant(op, 1, "permutation"))
    if sorted(permutation) != list(range(reader.rank(op))):
        raise ModelError(f"{reader.where(op)} has the permutation {list(permutation)}")
    op.attributes["permutation"] = permutation


def _read_reshape(reader: _Importer, op: Op, _: Any) -> None:
    reader.inputs_of(op, 1, 2)
    del op.inputs[1:]  # the new shape, which the output tensor has


def _read_unary(reader: _Importer, op: Op, _: Any) -> None:
    reader.inputs_of(op, 1, 1)


_READERS: dict[OpKind, Callable[[_Importer, Op, Any], None]] = {
    OpKind.CONV_2D: _read_convolution,
    OpKind.DEPTHWISE_CONV_2D: _read_convolution,
    OpKind.FULLY_CONNECTED: _read_fully_connected,
    OpKind.ADD: _read_elementwise,
    OpKind.MUL: _read_elementwise,
    OpKind.AVERAGE_POOL_2D: _read_pool,
    OpKind.MAX_POOL_2D: _read_pool,
    OpKind.SOFTMAX: _read_softmax,
    OpKind.LOGISTIC: _read_unary,
    OpKind.HARD_SWISH: _read_unary,
    OpKind.PAD: _read_pad,
    OpKind.MEAN: _read_mean,
    OpKind.CONCATENATION: _read_concatenation,
    OpKind.TRANSPOSE: _read_transpose,
    OpKind.QUANTIZE: _read_unary,
    OpKind.DEQUANTIZE: _read_unary,
    OpKind.RESHAPE: _read_reshape,
}
