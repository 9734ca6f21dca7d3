"""What every lowering asks of the graph, with the messages for what is not there."""

from __future__ import annotations

from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from host.arithmetic.scaling import INT8_MAX, INT8_MIN
from host.compiler.operations import Blob, Operation, Parameter
from host.compiler.passes.check import activations, where
from host.compiler.rows import packed_rows4, rows4
from host.errors import ModelError
from host.models.graph import DType, Graph, Op, Quantization, Tensor
from protocol.plan import PACKED_KINDS, PlanOp

UINT16_MAX = (1 << 16) - 1
INT32_MAX = (1 << 31) - 1
WEIGHTS_ALIGNMENT_BYTES = 8


class Context:
    """One op of the graph while it is lowered."""

    def __init__(self, graph: Graph, op: Op) -> None:
        self.graph = graph
        self.op = op

    @property
    def where(self) -> str:
        return where(self.graph, self.op)

    def refuse(self, reason: str) -> NoReturn:
        raise ModelError(f"{self.where} {reason}")

    @property
    def input(self) -> Tensor:
        return self.input_at(0)

    @property
    def output(self) -> Tensor:
        return self.graph.tensors[self.op.outputs[0]]

    def input_at(self, position: int) -> Tensor:
        index = self.op.inputs[position] if position < len(self.op.inputs) else None
        if index is None:
            self.refuse(f"lacks its input {position}")
        return self.graph.tensors[index]

    def attribute(self, name: str) -> Any:
        return self.op.attributes[name]

    def quantization(self, tensor: Tensor) -> Quantization:
        """The per-tensor quantization of an int8 activation."""
        quantization = tensor.quantization
        if quantization is None or quantization.per_channel or quantization.scale <= 0:
            self.refuse(f"needs tensor {tensor.name!r} with one positive scale")
        if not INT8_MIN <= quantization.zero_point <= INT8_MAX:
            self.refuse(f"has tensor {tensor.name!r} with zero point {quantization.zero_point}")
        return quantization

    def same_quantization(self, tensor: Tensor, other: Tensor) -> Quantization:
        """The quantization that two tensors share, as kernels that only move bytes need."""
        first, second = self.quantization(tensor), self.quantization(other)
        if (
            abs(first.scale - second.scale) > 1e-6 * first.scale
            or first.zero_point != second.zero_point
        ):
            self.refuse(
                f"has tensors {tensor.name!r} and {other.name!r} of different quantization; "
                "put a QUANTIZE between them"
            )
        return second

    def weights(self, axis: int, rank: int) -> tuple[Tensor, NDArray[np.int8], Quantization]:
        """Constant weights of ``rank`` dimensions, per tensor or along ``axis``.

        They are int8, or int4 where the op has a kind for those; int4 values come as int8.
        """
        tensor = self.input_at(1)
        packable = PlanOp[self.op.kind.name] in PACKED_KINDS
        dtypes = (DType.INT8, DType.INT4) if packable else (DType.INT8,)
        if tensor.data is None or tensor.dtype not in dtypes or len(tensor.shape) != rank:
            self.refuse(
                f"needs its weights {tensor.name!r} as an {' or '.join(dtypes)} constant "
                f"of {rank} dimensions; "
                f"they are {tensor.dtype}, {list(tensor.shape)}"
                + ("" if tensor.data is not None else ", computed by the model")
            )
        quantization = tensor.quantization
        if quantization is None:
            self.refuse(f"needs a scale for its weights {tensor.name!r}")
        if quantization.per_channel and quantization.axis != axis:
            self.refuse(
                f"has weights {tensor.name!r} with a scale for each index of dimension "
                f"{quantization.axis}; dimension {axis} is supported"
            )
        if np.any(quantization.zero_points != 0):
            self.refuse(f"has weights {tensor.name!r} with a zero point; only 0 is supported")
        return tensor, tensor.data, quantization

    def packed(self, kind: PlanOp, rows: NDArray[np.int8]) -> tuple[PlanOp, Blob]:
        """The plan's kind, and the weights in its layout: ``kind`` itself where they are int8."""
        if self.input_at(1).dtype is DType.INT4:
            return PACKED_KINDS[kind], Blob(packed_rows4(rows), WEIGHTS_ALIGNMENT_BYTES)
        return kind, Blob(rows4(rows), WEIGHTS_ALIGNMENT_BYTES)

    def bias(self, channels: int) -> NDArray[np.int64]:
        """The int32 bias of every channel, zeros where the op has none."""
        if len(self.op.inputs) < 3 or self.op.inputs[2] is None:
            return np.zeros(channels, dtype=np.int64)
        tensor = self.input_at(2)
        if tensor.data is None or tensor.dtype is not DType.INT32 or tensor.elements != channels:
            self.refuse(
                f"needs its bias {tensor.name!r} as an int32 constant of {channels} elements; "
                f"it is {tensor.dtype}, {list(tensor.shape)}"
            )
        return tensor.data.reshape(-1).astype(np.int64)

    def folded_bias(self, rows: NDArray[np.int8], zero_point: int) -> NDArray[np.int32]:
        """Bias less ``zero_point`` times the sum of each row of weights [channels, row]."""
        channels = rows.shape[0]
        folded = self.bias(channels) - zero_point * rows.astype(np.int64).sum(axis=1)
        if np.any(np.abs(folded) > INT32_MAX):
            self.refuse("has a bias that leaves 32 bits with the input's zero point folded in")
        result: NDArray[np.int32] = folded.astype(np.int32)
        return result

    def require_shape(self, expected: tuple[int, ...]) -> None:
        if self.output.shape != expected:
            self.refuse(
                f"has output {self.output.name!r} of shape {list(self.output.shape)}; "
                f"its inputs give {list(expected)}"
            )

    def require_rank(self, rank: int) -> tuple[int, ...]:
        if len(self.input.shape) != rank:
            self.refuse(
                f"has input {self.input.name!r} of shape {list(self.input.shape)}; "
                f"{rank} dimensions are supported"
            )
        return self.input.shape

    def require_uint16(self, **values: int) -> dict[str, int]:
        """``values`` themselves, once none is larger than the plan's 16-bit fields hold."""
        for name, value in values.items():
            if not 0 <= value <= UINT16_MAX:
                self.refuse(f"has {name} = {value}; at most {UINT16_MAX} is supported")
        return values

    def operation(self, kind: PlanOp, parameters: dict[str, Parameter], **fields: Any) -> Operation:
        """The plan's op, reading the activations and writing the output."""
        return Operation(
            kind=kind,
            inputs=tuple(activations(self.op)),
            output=self.op.outputs[0],
            parameters=parameters,
            source_index=self.op.source_index,
            name=self.op.name,
            **fields,
        )
