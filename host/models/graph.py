"""The one graph that every importer produces and every later stage reads.

A :class:`Graph` is a list of operators in execution order over a table of
tensors. Names and layouts are TensorFlow Lite's (NHWC activations, OHWI
weights), because that is what the runtimes we must equal bit for bit use.
"""

from __future__ import annotations

from enum import Enum, StrEnum
from typing import Any

import attrs
import numpy as np
from numpy.typing import NDArray


class DType(StrEnum):
    """Element types a tensor may have."""

    INT4 = "int4"
    INT8 = "int8"
    UINT8 = "uint8"
    INT16 = "int16"
    INT32 = "int32"
    INT64 = "int64"
    FLOAT32 = "float32"
    BOOL = "bool"


class OpKind(StrEnum):
    """Operators the graph can hold; the values are TensorFlow Lite's names."""

    CONV_2D = "CONV_2D"
    DEPTHWISE_CONV_2D = "DEPTHWISE_CONV_2D"
    FULLY_CONNECTED = "FULLY_CONNECTED"
    ADD = "ADD"
    MUL = "MUL"
    AVERAGE_POOL_2D = "AVERAGE_POOL_2D"
    MAX_POOL_2D = "MAX_POOL_2D"
    SOFTMAX = "SOFTMAX"
    LOGISTIC = "LOGISTIC"
    HARD_SWISH = "HARD_SWISH"
    PAD = "PAD"
    MEAN = "MEAN"
    CONCATENATION = "CONCATENATION"
    TRANSPOSE = "TRANSPOSE"
    QUANTIZE = "QUANTIZE"
    DEQUANTIZE = "DEQUANTIZE"
    RESHAPE = "RESHAPE"


class Padding(Enum):
    """How a window treats the border, as TensorFlow defines it."""

    SAME = 0
    VALID = 1


class Activation(Enum):
    """Activation fused into an operator."""

    NONE = 0
    RELU = 1
    RELU_N1_TO_1 = 2
    RELU6 = 3


@attrs.frozen
class Quantization:
    """Affine quantization: ``real = scale * (q - zero_point)``.

    ``scales`` (float32) and ``zero_points`` (int64) have one entry, or one
    per index of dimension ``axis``.
    """

    scales: NDArray[np.float32]
    zero_points: NDArray[np.int64]
    axis: int = 0

    @property
    def per_channel(self) -> bool:
        return len(self.scales) > 1

    @property
    def scale(self) -> float:
        """The scale of a per-tensor quantization."""
        return float(self.scales[0])

    @property
    def zero_point(self) -> int:
        """The zero point of a per-tensor quantization."""
        return int(self.zero_points[0])


@attrs.define(eq=False)
class Tensor:
    """A value of the graph. ``data`` is set for constants only, int8 where ``dtype`` is INT4."""

    name: str
    shape: tuple[int, ...]
    dtype: DType
    quantization: Quantization | None = None
    data: NDArray[Any] | None = None
    source_index: int | None = None
    """Index of this tensor in the file it came from, where there is one."""

    @property
    def elements(self) -> int:
        return int(np.prod(self.shape, dtype=np.int64))


@attrs.define(eq=False)
class Op:
    """One operator. ``inputs`` and ``outputs`` index ``Graph.tensors``.

    An optional input that is absent (a bias) is ``None``. ``attributes`` by kind:

    * CONV_2D: ``padding: Padding, stride: (h, w), dilation: (h, w), activation``
    * DEPTHWISE_CONV_2D: the same and ``depth_multiplier: int``
    * AVERAGE_POOL_2D, MAX_POOL_2D: ``padding, stride, window: (h, w), activation``
    * FULLY_CONNECTED: ``activation, keep_num_dims: bool``
    * ADD, MUL: ``activation``
    * SOFTMAX: ``beta: float``
    * MEAN: ``axes: tuple[int, ...], keep_dims: bool``
    * CONCATENATION: ``axis: int, activation``
    * PAD: ``paddings: ((before, after), ...)`` a row a dimension
    * TRANSPOSE: ``permutation: tuple[int, ...]``
    * RESHAPE, QUANTIZE, DEQUANTIZE, LOGISTIC, HARD_SWISH: none

    CONV_2D inputs: activations [N,H,W,Cin], weights [Cout,KH,KW,Cin/groups],
    bias [Cout]. DEPTHWISE_CONV_2D: weights [1,KH,KW,Cout].
    FULLY_CONNECTED: weights [out, in].
    """

    kind: OpKind
    inputs: list[int | None]
    outputs: list[int]
    attributes: dict[str, Any] = attrs.field(factory=dict)
    name: str = ""
    source_index: int | None = None


@attrs.define(eq=False)
class Graph:
    """A model: tensors, operators in execution order, and its contract."""

    name: str
    tensors: list[Tensor]
    ops: list[Op]
    inputs: list[int]
    outputs: list[int]
    source_format: str = ""
    """``tflite`` | ``onnx`` | ``pt2`` | ``torchscript``."""
    sha256: str = ""
    """Hex digest of the file the graph was read from, and of those beside it with its weights."""
    input_permutations: list[tuple[int, ...]] = attrs.field(factory=list)
    """How the file orders the dimensions of each input, where an importer changed that:
    ``of the file = of the graph, transposed by it``. Empty: as in the file."""
    output_permutations: list[tuple[int, ...]] = attrs.field(factory=list)
    """The same of each output."""
    notes: list[str] = attrs.field(factory=list)
    """What the importer took for granted, a sentence each; the user is to be told."""

    @property
    def parameters(self) -> int:
        """Elements of all constants."""
        return sum(tensor.elements for tensor in self.tensors if tensor.data is not None)

    def from_file_layout(self, position: int, values: NDArray[Any]) -> NDArray[Any]:
        """An input as the file orders it, in the graph's order."""
        if not self.input_permutations:
            return values
        return np.transpose(values, np.argsort(self.input_permutations[position]))

    def to_file_layout(self, position: int, values: NDArray[Any]) -> NDArray[Any]:
        """An output of the graph, in the file's order."""
        if not self.output_permutations:
            return values
        return np.transpose(values, self.output_permutations[position])
