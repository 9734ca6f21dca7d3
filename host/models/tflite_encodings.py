"""How a ``.tflite`` file says what an operator of a graph does: the writer's half of the schema.

Operator versions are the lowest that LiteRT's converter would give the same operator, because an
older runtime refuses a higher version.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ai_edge_litert.schema_py_generated as schema
import attrs
import numpy as np
from numpy.typing import NDArray

from host.models.graph import Graph, Op, OpKind, Tensor


@attrs.frozen
class Encoding:
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


def _conv_2d(graph: Graph, op: Op) -> Encoding:
    activations, weights = _tensor(graph, op, 0), _tensor(graph, op, 1)
    grouped = activations.shape[3] != weights.shape[3]
    return Encoding(
        schema.Conv2DOptionsT(**_window(op), **_dilation(op)), version=6 if grouped else 1
    )


def _depthwise_conv_2d(_: Graph, op: Op) -> Encoding:
    options = schema.DepthwiseConv2DOptionsT(
        depthMultiplier=op.attributes["depth_multiplier"], **_window(op), **_dilation(op)
    )
    return Encoding(options, version=1 if op.attributes["dilation"] == (1, 1) else 2)


def _pool_2d(_: Graph, op: Op) -> Encoding:
    window_h, window_w = op.attributes["window"]
    return Encoding(
        schema.Pool2DOptionsT(filterHeight=window_h, filterWidth=window_w, **_window(op))
    )


def _fully_connected(_: Graph, op: Op) -> Encoding:
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
    return Encoding(options, version=version)


def _add(_: Graph, op: Op) -> Encoding:
    return Encoding(schema.AddOptionsT(fusedActivationFunction=op.attributes["activation"].value))


def _mul(_: Graph, op: Op) -> Encoding:
    return Encoding(schema.MulOptionsT(fusedActivationFunction=op.attributes["activation"].value))


def _softmax(_: Graph, op: Op) -> Encoding:
    return Encoding(schema.SoftmaxOptionsT(beta=op.attributes["beta"]))


def _logistic(_graph: Graph, _op: Op) -> Encoding:
    return Encoding()


def _hard_swish(_graph: Graph, _op: Op) -> Encoding:
    return Encoding(schema.HardSwishOptionsT())


def _pad(_: Graph, op: Op) -> Encoding:
    return Encoding(schema.PadOptionsT(), constants=(_int32(op.attributes["paddings"]),))


def _mean(_: Graph, op: Op) -> Encoding:
    options = schema.ReducerOptionsT(keepDims=op.attributes["keep_dims"])
    return Encoding(options, constants=(_int32(op.attributes["axes"]),))


def _concatenation(_: Graph, op: Op) -> Encoding:
    options = schema.ConcatenationOptionsT(
        axis=op.attributes["axis"], fusedActivationFunction=op.attributes["activation"].value
    )
    return Encoding(options)


def _transpose(_: Graph, op: Op) -> Encoding:
    return Encoding(schema.TransposeOptionsT(), constants=(_int32(op.attributes["permutation"]),))


def _reshape(graph: Graph, op: Op) -> Encoding:
    shape = graph.tensors[op.outputs[0]].shape
    return Encoding(schema.ReshapeOptionsT(newShape=list(shape)), constants=(_int32(shape),))


def _quantize(_graph: Graph, _op: Op) -> Encoding:
    return Encoding(schema.QuantizeOptionsT())


def _dequantize(_graph: Graph, _op: Op) -> Encoding:
    return Encoding(schema.DequantizeOptionsT(), version=2)  # 2 is where int8 begins


_ENCODERS: dict[OpKind, Callable[[Graph, Op], Encoding]] = {
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


def encoding_of(graph: Graph, op: Op) -> Encoding:
    """
    Raises:
        ValueError: the operator lacks an input that it cannot do without.
    """
    return _ENCODERS[op.kind](graph, op)
