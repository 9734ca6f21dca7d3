"""Writes a :class:`~host.models.graph.Graph` as a float ``.tflite`` file.

The file is packed with the schema classes that LiteRT ships, so its layout is
LiteRT's own. Operator versions are the lowest that LiteRT's converter would give
the same operator, because an older runtime refuses a higher version.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain, count
from typing import Any

import ai_edge_litert.schema_py_generated as schema
import attrs
import flatbuffers
import numpy as np
from numpy.typing import NDArray

from host.errors import ModelError
from host.models.graph import DType, Graph, Op, OpKind, Tensor

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


@attrs.frozen
class _Encoding:
    """One operator in the schema's terms."""

    options: Any = None
    """The ``...OptionsT`` object, whose class names the union's member."""
    version: int = 1
    constants: tuple[NDArray[np.int32], ...] = ()
    """Inputs after the first that the graph holds as attributes."""

    @property
    def options_type(self) -> int:
        if self.options is None:
            return int(schema.BuiltinOptions.NONE)
        return int(getattr(schema.BuiltinOptions, type(self.options).__name__.removesuffix("T")))


def _window(op: Op) -> dict[str, int]:
    """The fields that every sliding-window operator has."""
    stride_h, stride_w = op.attributes["stride"]
    return {
        "padding": op.attributes["padding"].value,
        "strideH": stride_h,
        "strideW": stride_w,
        "fusedActivationFunction": op.attributes["activation"].value,
    }


def _dilation(op: Op) -> dict[str, int]:
    dilation_h, dilation_w = op.attributes["dilation"]
    return {"dilationHFactor": dilation_h, "dilationWFactor": dilation_w}


def _conv_2d(graph: Graph, op: Op) -> _Encoding:
    activations, weights = _tensor(graph, op, 0), _tensor(graph, op, 1)
    grouped = activations.shape[3] != weights.shape[3]
    return _Encoding(
        schema.Conv2DOptionsT(**_window(op), **_dilation(op)), version=6 if grouped else 1
    )


def _depthwise_conv_2d(_: Graph, op: Op) -> _Encoding:
    options = schema.DepthwiseConv2DOptionsT(
        depthMultiplier=op.attributes["depth_multiplier"], **_window(op), **_dilation(op)
    )
    return _Encoding(options, version=1 if op.attributes["dilation"] == (1, 1) else 2)


def _pool_2d(_: Graph, op: Op) -> _Encoding:
    window_h, window_w = op.attributes["window"]
    return _Encoding(
        schema.Pool2DOptionsT(filterHeight=window_h, filterWidth=window_w, **_window(op))
    )


def _fully_connected(_: Graph, op: Op) -> _Encoding:
    keep_num_dims = op.attributes["keep_num_dims"]
    options = schema.FullyConnectedOptionsT(
        fusedActivationFunction=op.attributes["activation"].value, keepNumDims=keep_num_dims
    )
    has_bias = len(op.inputs) > 2 and op.inputs[2] is not None
    version = 1
    if keep_num_dims:
        version = 5
    if not has_bias:
        version = 6
    return _Encoding(options, version=version)


def _add(_: Graph, op: Op) -> _Encoding:
    return _Encoding(schema.AddOptionsT(fusedActivationFunction=op.attributes["activation"].value))


def _mul(_: Graph, op: Op) -> _Encoding:
    return _Encoding(schema.MulOptionsT(fusedActivationFunction=op.attributes["activation"].value))


def _softmax(_: Graph, op: Op) -> _Encoding:
    return _Encoding(schema.SoftmaxOptionsT(beta=op.attributes["beta"]))


def _logistic(_graph: Graph, _op: Op) -> _Encoding:
    return _Encoding()


def _hard_swish(_graph: Graph, _op: Op) -> _Encoding:
    return _Encoding(schema.HardSwishOptionsT())


def _pad(_: Graph, op: Op) -> _Encoding:
    return _Encoding(schema.PadOptionsT(), constants=(_int32(op.attributes["paddings"]),))


def _mean(_: Graph, op: Op) -> _Encoding:
    options = schema.ReducerOptionsT(keepDims=op.attributes["keep_dims"])
    return _Encoding(options, constants=(_int32(op.attributes["axes"]),))


def _concatenation(_: Graph, op: Op) -> _Encoding:
    options = schema.ConcatenationOptionsT(
        axis=op.attributes["axis"], fusedActivationFunction=op.attributes["activation"].value
    )
    return _Encoding(options)


def _transpose(_: Graph, op: Op) -> _Encoding:
    return _Encoding(schema.TransposeOptionsT(), constants=(_int32(op.attributes["permutation"]),))


def _reshape(graph: Graph, op: Op) -> _Encoding:
    shape = graph.tensors[op.outputs[0]].shape
    return _Encoding(schema.ReshapeOptionsT(newShape=list(shape)), constants=(_int32(shape),))


def _quantize(_graph: Graph, _op: Op) -> _Encoding:
    return _Encoding(schema.QuantizeOptionsT())


def _dequantize(_graph: Graph, _op: Op) -> _Encoding:
    return _Encoding(schema.DequantizeOptionsT(), version=2)  # 2 is where int8 begins


_ENCODERS: dict[OpKind, Callable[[Graph, Op], _Encoding]] = {
    OpKind.CONV_2D: _conv_2d,
    OpKind.DEPTHWISE_CONV_2D: _depthwise_conv_2d,
    OpKind.FULLY_CONNECTED: _fully_connected,
    OpKind.ADD: _add,
    OpKind.MUL: _mul,
    OpKind.AVERAGE_POOL_2D: _pool_2d,
    OpKind.MAX_POOL_2D: _pool_2d,
    OpKind.SOFTMAX: _softmax,
    OpKind.LOGISTIC: _logistic,
    OpKind.HARD_SWISH: _hard_swish,
    OpKind.PAD: _pad,
    OpKind.MEAN: _mean,
    OpKind.CONCATENATION: _concatenation,
    OpKind.TRANSPOSE: _transpose,
    OpKind.QUANTIZE: _quantize,
    OpKind.DEQUANTIZE: _dequantize,
    OpKind.RESHAPE: _reshape,
}


def _int32(values: Any) -> NDArray[np.int32]:
    return np.asarray(values, dtype=np.int32)


def _tensor(graph: Graph, op: Op, position: int) -> Tensor:
    index = op.inputs[position]
    if index is None:
        raise ValueError(f"{op.kind} {op.name!r} lacks its input {position}")
    return graph.tensors[index]


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
                f"tensor {tensor.name!r} is {tensor.dtype}; a float .tflite holds {allowed}"
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
        encoding = _ENCODERS[op.kind](self._graph, op)
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


def write_float_tflite(graph: Graph) -> bytes:
    """Packs ``graph`` into the bytes of a ``.tflite`` file.

    Activations and weights are float32; int8 tensors may stand at QUANTIZE and
    DEQUANTIZE, with their quantization. Graph tensors keep their indices; tensors
    made from attributes (axes, paddings, shapes) follow them. The same graph gives
    the same bytes.

    Raises:
        ModelError: a tensor's dtype has no place in a float model.
        ValueError: an operator lacks an input that it cannot do without.
    """
    builder = flatbuffers.Builder(1024)
    builder.Finish(_Writer(graph).model().Pack(builder), file_identifier=FILE_IDENTIFIER)
    return bytes(builder.Output())
