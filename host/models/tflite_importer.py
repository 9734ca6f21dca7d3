"""Reads a ``.tflite`` file into a :class:`~host.models.graph.Graph`.

Only what the graph holds is read, through the schema's accessors, so that a
corrupt file costs neither time nor memory: every count is bounded before it is
walked, and whatever FlatBuffers raises becomes a :class:`ModelError`.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

import ai_edge_litert.schema_py_generated as schema
import numpy as np
from numpy.typing import NDArray

from host.errors import ModelError
from host.models.graph import DType, Graph, Op, OpKind, Quantization, Tensor
from host.models.tflite_operators import MAX_OP_INPUTS, OperatorReader

FILE_IDENTIFIER = b"TFL3"
IDENTIFIER_OFFSET = 4
MAX_TENSORS = 65_535
MAX_OPS = 65_535
MAX_RANK = 8
MAX_ELEMENTS = 1 << 31
OPTIONAL_TENSOR = -1

_DTYPES: dict[int, tuple[DType, str]] = {
    schema.TensorType.INT4: (DType.INT4, "<i1"),
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
        self._operators = OperatorReader(self._name, self._tensors)
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
            notes=[note for index in inputs for note in self._settle_dynamic(index)],
        )

    def _settle_dynamic(self, index: int) -> list[str]:
        """What is taken for granted of an input whose extents the file leaves open.

        Raises:
            ModelError: another dimension than the batch is open.
        """
        record, name = self._subgraph.Tensors(index), self._tensors[index].name
        count = self._count("dimensions", record.ShapeSignatureLength(), MAX_RANK)
        dynamic = [axis for axis in range(count) if record.ShapeSignature(axis) < 0]
        if any(axis > 0 for axis in dynamic):
            raise ModelError(
                f"{self._name}: dimension {dynamic[-1]} of input {name!r} is dynamic; "
                "export the model with a fixed size (only the batch is taken as 1)"
            )
        if dynamic and self._tensors[index].shape[0] == 1:
            return [f"{self._name}: the dynamic batch of input {name!r} is taken as 1"]
        return []

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
        packed = record.Type() == schema.TensorType.INT4
        needed = (elements + 1) // 2 if packed else elements * np.dtype(storage).itemsize
        if size_bytes != needed or size_bytes > len(self._data):
            raise ModelError(f"{where} has {size_bytes} bytes of data; its shape needs {needed}")
        raw = bytes(buffer.DataAsNumpy())
        if packed:
            return _unpack_int4(raw, elements).reshape(shape)
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
        self._operators.read(op, record)
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


def _unpack_int4(data: bytes, count: int) -> NDArray[np.int8]:
    """Values of -8 to 7, two a byte, the first in the low half."""
    pairs = np.frombuffer(data, np.int8)
    low = np.left_shift(pairs, 4) >> 4
    unpacked: NDArray[np.int8] = np.stack([low, pairs >> 4], axis=1).reshape(-1)[:count]
    return unpacked
