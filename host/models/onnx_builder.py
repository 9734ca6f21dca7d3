"""Builds a graph from ONNX nodes: who holds which value, and in what order of dimensions.

ONNX's convolutions are NCHW, the graph's NHWC. Every value so carries a permutation: the
file's tensor is the graph's, transposed by it. A TRANSPOSE is made only where two orders meet.
"""

from __future__ import annotations

from collections import Counter
from typing import Any, NoReturn

import attrs
import numpy as np
import onnx
from numpy.typing import NDArray

from host.errors import ModelError
from host.models.graph import Activation, DType, Op, OpKind, Tensor

Permutation = tuple[int, ...]

NCHW: Permutation = (0, 3, 1, 2)
"""Of a value whose tensor is NHWC."""

_ACTIVATION_ATTRIBUTE = "activation"


@attrs.frozen
class Value:
    """``the file's = tensors[tensor].transpose(permutation)``."""

    tensor: int
    permutation: Permutation


def identity(rank: int) -> Permutation:
    return tuple(range(rank))


def inverse(permutation: Permutation) -> Permutation:
    return tuple(int(index) for index in np.argsort(permutation))


def compose(first: Permutation, second: Permutation) -> Permutation:
    """``x.transpose(first).transpose(second) == x.transpose(compose(first, second))``."""
    return tuple(first[index] for index in second)


class Builder:
    """The graph so far; ``constants`` are the file's, in the file's order."""

    def __init__(self, name: str, shapes: dict[str, tuple[int, ...]], opset: int) -> None:
        self.name = name
        self.opset = opset
        self._shapes = shapes
        self.tensors: list[Tensor] = []
        self.ops: list[Op] = []
        self.constants: dict[str, NDArray[Any]] = {}
        self._values: dict[str, Value] = {}
        self._uses: Counter[str] = Counter()
        self._producers: dict[int, tuple[Op, str]] = {}
        self.hard_sigmoids: dict[str, str] = {}
        """Input by output: half of a HARD_SWISH each, until something reads one alone."""
        self.flattened: dict[str, str] = {}
        """Input by output of what keeps the batch and flattens the rest: FULLY_CONNECTED can
        take its weights in the graph's order, so that nothing moves."""

    # What the file says

    def count_uses(self, graph: onnx.GraphProto) -> None:
        """Notes how often each value is read, so that only what nobody else reads is fused."""
        for node in graph.node:
            self._uses.update(node.input)
        self._uses.update(output.name for output in graph.output)

    def refuse(self, node: onnx.NodeProto, reason: str) -> NoReturn:
        label = node.name or (node.output[0] if node.output else "?")
        raise ModelError(f"{self.name}: node {label!r} ({node.op_type}) {reason}")

    def is_read(self, name: str) -> bool:
        return self._uses[name] > 0

    def shape(self, name: str) -> tuple[int, ...]:
        """In the file's order.

        Raises:
            ModelError: it follows from the input's values.
        """
        if name in self.constants:
            return tuple(self.constants[name].shape)
        if name not in self._shapes:
            raise ModelError(
                f"{self.name}: the shape of {name!r} is not known before the model runs; "
                "export the model with fixed sizes"
            )
        return self._shapes[name]

    def is_constant(self, name: str) -> bool:
        return name in self.constants

    def constant(self, node: onnx.NodeProto, position: int, what: str) -> NDArray[Any]:
        """Input ``position`` of the node, which must be known.

        Raises:
            ModelError: it is computed while the model runs.
        """
        name = node.input[position] if position < len(node.input) else ""
        if name not in self.constants:
            self.refuse(node, f"needs its {what} ({name!r}) as a constant")
        return self.constants[name]

    # What the graph gets

    def value(self, name: str) -> Value:
        """The value of that name; a constant becomes a tensor when it is first asked for."""
        if name in self.hard_sigmoids and name not in self._values:
            self._emit_hard_sigmoid(name)
        if name in self.flattened and name not in self._values:
            self._emit_flattened(name)
        if name not in self._values:
            data = self.constants[name].astype(np.float32)
            self._values[name] = Value(self.add_constant(name, data), identity(data.ndim))
        return self._values[name]

    def define(self, name: str, tensor: int, permutation: Permutation | None = None) -> None:
        rank = len(self.tensors[tensor].shape)
        self._values[name] = Value(tensor, permutation or identity(rank))

    def define_as(self, name: str, value: Value) -> None:
        """Another name for a value; what reads the one reads the other."""
        self._values[name] = value

    def add_tensor(self, name: str, shape: tuple[int, ...]) -> int:
        self.tensors.append(Tensor(name, tuple(int(extent) for extent in shape), DType.FLOAT32))
        return len(self.tensors) - 1

    def add_constant(self, name: str, data: NDArray[Any]) -> int:
        """The index of a float32 tensor with that content.

        Raises:
            ModelError: it is not finite.
        """
        if not np.isfinite(data).all():
            raise ModelError(f"{self.name}: constant {name!r} holds NaN or infinity")
        values = np.ascontiguousarray(data, dtype=np.float32)
        self.tensors.append(Tensor(name, values.shape, DType.FLOAT32, data=values))
        return len(self.tensors) - 1

    def emit(
        self,
        kind: OpKind,
        inputs: list[int | None],
        shape: tuple[int, ...],
        name: str,
        **attributes: Any,
    ) -> int:
        """Adds an op with one output of ``shape``; the tensor's index."""
        output = self.add_tensor(name, shape)
        op = Op(kind, inputs, [output], attributes, name=name, source_index=len(self.ops))
        self.ops.append(op)
        self._producers[output] = (op, name)
        return output

    def arranged(self, value: Value, permutation: Permutation) -> int:
        """A tensor with the value's contents that the file's is by ``permutation``."""
        order = compose(value.permutation, inverse(permutation))
        if order == identity(len(order)):
            return value.tensor
        source = self.tensors[value.tensor]
        shape = tuple(source.shape[axis] for axis in order)
        if source.data is not None:
            return self.add_constant(source.name, source.data.transpose(order))
        moved = [axis for axis in order if source.shape[axis] != 1]
        if moved == sorted(moved):  # only extents of 1 move: the bytes stay where they are
            return self.emit(OpKind.RESHAPE, [value.tensor], shape, f"{source.name}/reshape")
        return self.emit(
            OpKind.TRANSPOSE, [value.tensor], shape, f"{source.name}/transpose", permutation=order
        )

    def plain(self, name: str) -> int:
        """The tensor of a value in the file's own order."""
        value = self.value(name)
        return self.arranged(value, identity(len(value.permutation)))

    def images(self, node: onnx.NodeProto) -> int:
        """The node's first input as NHWC.

        Raises:
            ModelError: it is not of four dimensions.
        """
        value = self.value(node.input[0])
        if len(value.permutation) != len(NCHW):
            self.refuse(node, f"has an input of {len(value.permutation)} dimensions; 4 work")
        return self.arranged(value, NCHW)

    def activate(self, node: onnx.NodeProto, activation: Activation) -> None:
        """The input through ``activation``: fused where nobody else reads that input."""
        source = self.value(node.input[0])
        producer = self._producers.get(source.tensor)
        if (
            producer is not None
            and producer[0].kind is not OpKind.CONCATENATION  # no runtime's kernel takes one
            and producer[0].attributes.get(_ACTIVATION_ATTRIBUTE) is Activation.NONE
            and self._uses[node.input[0]] == 1
        ):
            producer[0].attributes[_ACTIVATION_ATTRIBUTE] = activation
            self.define_as(node.output[0], source)
            return
        zero = self.add_constant(f"{node.output[0]}/zero", np.zeros(1))
        shape = self.tensors[source.tensor].shape
        output = self.emit(
            OpKind.ADD, [source.tensor, zero], shape, node.output[0], activation=activation
        )
        self.define(node.output[0], output, source.permutation)

    def _emit_hard_sigmoid(self, name: str) -> None:
        """relu6(x + 3) / 6, which is what its own parameters come to."""
        source = self.value(self.hard_sigmoids[name])
        shape = self.tensors[source.tensor].shape
        three = self.add_constant(f"{name}/three", np.full(1, 3.0))
        sixth = self.add_constant(f"{name}/sixth", np.full(1, 1.0 / 6.0))
        clipped = self.emit(
            OpKind.ADD,
            [source.tensor, three],
            shape,
            f"{name}/clipped",
            activation=Activation.RELU6,
        )
        output = self.emit(OpKind.MUL, [clipped, sixth], shape, name, activation=Activation.NONE)
        self.define(name, output, source.permutation)

    def _emit_flattened(self, name: str) -> None:
        shape = self.shape(name)
        self.define(
            name, self.emit(OpKind.RESHAPE, [self.plain(self.flattened[name])], shape, name)
        )

    def is_never_negative(self, name: str) -> bool:
        """Whether a fused activation keeps the value from being negative."""
        producer = self._producers.get(self.value(name).tensor)
        return producer is not None and producer[0].attributes.get(_ACTIVATION_ATTRIBUTE) in (
            Activation.RELU,
            Activation.RELU6,
        )
