"""Writes a :class:`~host.models.graph.Graph` as a ``.tflite`` file.

The file is packed with the schema classes that LiteRT ships, so its layout is
LiteRT's own. What an operator does is ``tflite_encodings``' to say.
"""

from __future__ import annotations

from itertools import chain, count
from typing import Any

import ai_edge_litert.schema_py_generated as schema
import flatbuffers
import numpy as np
from numpy.typing import NDArray

from host.errors import ModelError
from host.models.graph import DType, Graph, Op, OpKind, Tensor
from host.models.tflite_encodings import encoding_of

FILE_IDENTIFIER = b"TFL3"
SCHEMA_VERSION = 3
SIGNATURE_KEY = "serving_default"
BUFFER_ALIGNMENT_BYTES = 16
"""``force_align`` of a buffer's data in the schema; readers map weights in place."""

WRITABLE_DTYPES = frozenset(
    {DType.FLOAT32, DType.INT4, DType.INT8, DType.INT32, DType.INT64, DType.BOOL}
)


class AlignedBuffer(schema.BufferT):  # type: ignore[misc]  # LiteRT ships no types
    """A buffer whose data is aligned: Python's generated code ignores ``force_align``."""

    def Pack(self, builder: Any) -> Any:  # noqa: N802  # overrides the generated name
        if self.data is not None:
            builder.Prep(BUFFER_ALIGNMENT_BYTES, len(self.data))
        return super().Pack(builder)


class _Writer:
    """Collects the tables of one model; an operator's constants become tensors here."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._buffers: list[Any] = [schema.BufferT()]  # the schema keeps buffer 0 empty
        self._tensors: list[Any] = []
        self._names: set[str] = set()
        self._operator_codes: dict[tuple[OpKind, int], int] = {}
        for tensor in graph.tensors:
            self._add_tensor(tensor)
        self._operators = [self._operator(op) for op in graph.ops]

    def model(self) -> Any:
        """The whole model as the schema's object tree."""
        graph = self._graph
        subgraph = schema.SubGraphT(
            tensors=self._tensors,
            inputs=graph.inputs,
            outputs=graph.outputs,
            operators=self._operators,
            name="main",
        )
        codes = [
            schema.OperatorCodeT(
                builtinCode=(code := getattr(schema.BuiltinOperator, kind.value)),
                deprecatedBuiltinCode=min(code, 127),  # readers of old take the greater of both
                version=version,
            )
            for kind, version in self._operator_codes
        ]
        signature = schema.SignatureDefT(
            inputs=self._tensor_map(graph.inputs),
            outputs=self._tensor_map(graph.outputs),
            signatureKey=SIGNATURE_KEY,
            subgraphIndex=0,
        )
        return schema.ModelT(
            version=SCHEMA_VERSION,
            operatorCodes=codes,
            subgraphs=[subgraph],
            description=graph.name,
            buffers=self._buffers,
            signatureDefs=[signature],
        )

    def _tensor_map(self, indices: list[int]) -> list[Any]:
        return [
            schema.TensorMapT(name=self._graph.tensors[index].name, tensorIndex=index)
            for index in indices
        ]

    def _add_tensor(self, tensor: Tensor) -> int:
        """Returns the index of the tensor in the file."""
        if tensor.dtype not in WRITABLE_DTYPES:
            allowed = ", ".join(sorted(WRITABLE_DTYPES))
            raise ModelError(
                f"tensor {tensor.name!r} is {tensor.dtype}; a .tflite written here holds {allowed}"
            )
        quantization = None
        if tensor.quantization is not None:
            quantization = schema.QuantizationParametersT(
                scale=tensor.quantization.scales.tolist(),
                zeroPoint=tensor.quantization.zero_points.tolist(),
                quantizedDimension=tensor.quantization.axis,
            )
        self._tensors.append(
            schema.TensorT(
                shape=list(tensor.shape),
                type=getattr(schema.TensorType, tensor.dtype.name),
                buffer=self._add_buffer(_packed(tensor)),
                name=self._unique(tensor.name),
                quantization=quantization,
                hasRank=True,
            )
        )
        return len(self._tensors) - 1

    def _unique(self, name: str) -> str:
        """Tools find tensors by name; a graph may have two of one."""
        names = chain((name,), (f"{name}_{number}" for number in count(2)))
        free = next(each for each in names if each not in self._names)
        self._names.add(free)
        return free

    def _add_buffer(self, data: NDArray[Any] | None) -> int:
        if data is None:
            return 0
        little_endian = np.ascontiguousarray(data, dtype=data.dtype.newbyteorder("<"))
        raw = np.frombuffer(little_endian.tobytes(), dtype=np.uint8)
        self._buffers.append(AlignedBuffer(data=raw))
        return len(self._buffers) - 1

    def _operator(self, op: Op) -> Any:
        encoding = encoding_of(self._graph, op)
        inputs = [-1 if index is None else index for index in op.inputs]
        if encoding.constants:
            # An importer may have kept the tensor the attribute came from; the attribute rules.
            inputs = inputs[:1]
        for position, constant in enumerate(encoding.constants, start=1):
            name = f"{self._graph.tensors[op.outputs[0]].name}/input_{position}"
            inputs.append(
                self._add_tensor(Tensor(name, constant.shape, DType.INT32, data=constant))
            )
        code = (op.kind, encoding.version)
        return schema.OperatorT(
            opcodeIndex=self._operator_codes.setdefault(code, len(self._operator_codes)),
            inputs=inputs,
            outputs=op.outputs,
            builtinOptionsType=encoding.options_type,
            builtinOptions=encoding.options,
        )


def _packed(tensor: Tensor) -> NDArray[Any] | None:
    """A constant's elements as the file has them: int4 two a byte, the first in the low half."""
    if tensor.data is None or tensor.dtype is not DType.INT4:
        return tensor.data
    halves = tensor.data.astype(np.uint8).reshape(-1) & 0xF
    pairs = np.append(halves, np.zeros(halves.size % 2, np.uint8)).reshape(-1, 2)
    packed: NDArray[np.uint8] = pairs[:, 0] | (pairs[:, 1] << 4)
    return packed


def write_tflite(graph: Graph) -> bytes:
    """Packs ``graph``, float or quantized, into the bytes of a ``.tflite`` file.

    Graph tensors keep their indices; tensors made from attributes (axes, paddings,
    shapes) follow them. The same graph gives the same bytes.

    Raises:
        ModelError: a tensor's dtype has no place in the file.
        ValueError: an operator lacks an input that it cannot do without.
    """
    builder = flatbuffers.Builder(1024)
    builder.Finish(_Writer(graph).model().Pack(builder), file_identifier=FILE_IDENTIFIER)
    return bytes(builder.Output())


def write_float_tflite(graph: Graph) -> bytes:
    """:func:`write_tflite`, of a graph that is float."""
    return write_tflite(graph)
