"""Reads the options and constants of one operator of a ``.tflite`` file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import ai_edge_litert.schema_py_generated as schema
import numpy as np
from numpy.typing import NDArray

from host.errors import ModelError
from host.models.graph import Activation, Op, OpKind, Padding, Tensor

MAX_OP_INPUTS = 1_024

_ACTIVATION_NAMES = {
    value: name
    for name, value in vars(schema.ActivationFunctionType).items()
    if isinstance(value, int)
}


class OperatorReader:
    """What the reader of every kind asks of the file; ``tensors`` are the graph's."""

    def __init__(self, model_name: str, tensors: Sequence[Tensor]) -> None:
        self._name = model_name
        self._tensors = tensors

    def read(self, op: Op, record: Any) -> None:
        """Fills the attributes of ``op`` from its record and drops what became attributes.

        Raises:
            ModelError: options or inputs are missing, or are not supported.
        """
        _READERS[op.kind](self, op, record)

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


def _window_attributes(reader: OperatorReader, op: Op, options: Any) -> None:
    if options.Padding() not in (Padding.SAME.value, Padding.VALID.value):
        raise ModelError(f"{reader.where(op)} has padding {options.Padding()}; SAME or VALID")
    op.attributes["padding"] = Padding(options.Padding())
    op.attributes["stride"] = _positive(reader, op, "stride", options.StrideH(), options.StrideW())
    op.attributes["activation"] = reader.activation(op, options)


def _positive(
    reader: OperatorReader, op: Op, what: str, height: int, width: int
) -> tuple[int, int]:
    if height < 1 or width < 1:
        raise ModelError(f"{reader.where(op)} has {what} {height}x{width}")
    return height, width


def _read_convolution(reader: OperatorReader, op: Op, record: Any) -> None:
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


def _read_pool(reader: OperatorReader, op: Op, record: Any) -> None:
    options = reader.required_options(op, record, schema.Pool2DOptions)
    reader.inputs_of(op, 1, 1)
    _window_attributes(reader, op, options)
    op.attributes["window"] = _positive(
        reader, op, "window", options.FilterHeight(), options.FilterWidth()
    )


def _read_fully_connected(reader: OperatorReader, op: Op, record: Any) -> None:
    options = reader.options(op, record, schema.FullyConnectedOptions)
    reader.inputs_of(op, 2, 3)
    if options is not None and options.WeightsFormat() != 0:
        raise ModelError(f"{reader.where(op)} has shuffled weights; export them in default order")
    op.attributes["activation"] = reader.activation(op, options)
    op.attributes["keep_num_dims"] = bool(options is not None and options.KeepNumDims())


def _read_elementwise(reader: OperatorReader, op: Op, record: Any) -> None:
    options_class = schema.AddOptions if op.kind is OpKind.ADD else schema.MulOptions
    reader.inputs_of(op, 2, 2)
    op.attributes["activation"] = reader.activation(op, reader.options(op, record, options_class))


def _read_softmax(reader: OperatorReader, op: Op, record: Any) -> None:
    reader.inputs_of(op, 1, 1)
    op.attributes["beta"] = float(reader.required_options(op, record, schema.SoftmaxOptions).Beta())


def _read_concatenation(reader: OperatorReader, op: Op, record: Any) -> None:
    options = reader.required_options(op, record, schema.ConcatenationOptions)
    reader.inputs_of(op, 1, MAX_OP_INPUTS)
    if any(index is None for index in op.inputs):
        raise ModelError(f"{reader.where(op)} lacks an input")
    axis, rank = options.Axis(), reader.rank(op)
    if not -rank <= axis < rank:
        raise ModelError(f"{reader.where(op)} joins along axis {axis} of {rank} dimensions")
    op.attributes["axis"] = axis % rank
    op.attributes["activation"] = reader.activation(op, options)


def _axes(reader: OperatorReader, op: Op, values: Iterable[Any]) -> tuple[int, ...]:
    rank = reader.rank(op)
    axes = [int(value) for value in values]
    if any(not -rank <= axis < rank for axis in axes):
        raise ModelError(f"{reader.where(op)} names axes {axes} of {rank} dimensions")
    return tuple(axis % rank for axis in axes)


def _read_mean(reader: OperatorReader, op: Op, record: Any) -> None:
    reader.inputs_of(op, 2, 2)
    options = reader.options(op, record, schema.ReducerOptions)
    values = reader.take_constant(op, 1, "axes")
    op.attributes["axes"] = tuple(sorted(set(_axes(reader, op, np.atleast_1d(values)))))
    op.attributes["keep_dims"] = bool(options is not None and options.KeepDims())


def _read_pad(reader: OperatorReader, op: Op, _: Any) -> None:
    reader.inputs_of(op, 2, 2)
    paddings = reader.take_constant(op, 1, "paddings")
    if paddings.shape != (reader.rank(op), 2) or np.any(paddings < 0):
        raise ModelError(f"{reader.where(op)} has paddings {paddings.tolist()}")
    op.attributes["paddings"] = tuple((int(before), int(after)) for before, after in paddings)


def _read_transpose(reader: OperatorReader, op: Op, _: Any) -> None:
    reader.inputs_of(op, 2, 2)
    permutation = _axes(reader, op, reader.take_constant(op, 1, "permutation"))
    if sorted(permutation) != list(range(reader.rank(op))):
        raise ModelError(f"{reader.where(op)} has the permutation {list(permutation)}")
    op.attributes["permutation"] = permutation


def _read_reshape(reader: OperatorReader, op: Op, _: Any) -> None:
    reader.inputs_of(op, 1, 2)
    del op.inputs[1:]  # the new shape, which the output tensor has


def _read_unary(reader: OperatorReader, op: Op, _: Any) -> None:
    reader.inputs_of(op, 1, 1)


_READERS: dict[OpKind, Callable[[OperatorReader, Op, Any], None]] = {
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
