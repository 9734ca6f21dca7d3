"""The nodes of an ``.onnx`` file in the making: names, constants, and who holds which order."""

from __future__ import annotations

from itertools import chain, count
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from host.models.graph import Activation, Graph
from host.models.onnx_builder import Permutation, compose, identity, inverse

OPSET = 17
IR_VERSION = 8
"""The one that this operator set was released with."""

_CLIPS = {Activation.RELU6: (0.0, 6.0), Activation.RELU_N1_TO_1: (-1.0, 1.0)}


class Nodes:
    """Collects nodes and initializers; tensors are the graph's indices.

    An order is a permutation: the file's value is the graph's tensor, transposed by it.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: list[onnx.TensorProto] = []
        self._held: dict[int, dict[Permutation, str]] = {}
        self._names: set[str] = set()

    def declare(self, tensor: int, order: Permutation) -> str:
        """The name of a value that some node or the caller writes in that order."""
        name = self.unique(self.graph.tensors[tensor].name)
        self._held.setdefault(tensor, {})[order] = name
        return name

    def unique(self, name: str) -> str:
        """A name that no other value has."""
        names = chain((name,) if name else (), (f"{name}_{number}" for number in count(2)))
        free = next(each for each in names if each not in self._names)
        self._names.add(free)
        return free

    def shape(self, tensor: int) -> tuple[int, ...]:
        """In the graph's order."""
        return self.graph.tensors[tensor].shape

    def data(self, tensor: int) -> NDArray[Any] | None:
        """Of a constant, in the graph's order."""
        return self.graph.tensors[tensor].data

    def order_of(self, tensor: int) -> Permutation:
        """The order that is to be had without moving anything."""
        held = self._held.get(tensor)
        return next(iter(held)) if held else identity(len(self.shape(tensor)))

    def value(self, tensor: int, order: Permutation | None = None) -> str:
        """The name of a tensor in that order; None: in the graph's."""
        order = order or identity(len(self.shape(tensor)))
        held = self._held.setdefault(tensor, {})
        if order in held:
            return held[order]
        data = self.data(tensor)
        name = self.graph.tensors[tensor].name
        if data is not None:
            held[order] = self.constant(name, data.transpose(order))
        else:
            present = next(iter(held))
            moved = self.unique(f"{name}/transposed")
            permutation = compose(inverse(present), order)
            self.node("Transpose", [held[present]], moved, perm=permutation)
            held[order] = moved
        return held[order]

    def constant(self, name: str, data: NDArray[Any]) -> str:
        """The name of an initializer with that content."""
        name = self.unique(name)
        contiguous = np.ascontiguousarray(data).reshape(data.shape)
        self.initializers.append(numpy_helper.from_array(contiguous, name))
        return name

    def node(self, op_type: str, inputs: list[str], output: str, **attributes: Any) -> str:
        """Adds a node; the name of its output."""
        self.nodes.append(helper.make_node(op_type, inputs, [output], output, **attributes))
        return output

    def write(
        self,
        op_type: str,
        inputs: list[str],
        tensor: int,
        order: Permutation | None = None,
        activation: Activation = Activation.NONE,
        **attributes: Any,
    ) -> None:
        """The node that computes ``tensor`` in that order, and the activation after it."""
        order = order or identity(len(self.shape(tensor)))
        name = self.declare(tensor, order)
        if activation is Activation.NONE:
            self.node(op_type, inputs, name, **attributes)
            return
        before = self.node(op_type, inputs, self.unique(f"{name}/linear"), **attributes)
        if activation is Activation.RELU:
            self.node("Relu", [before], name)
            return
        low, high = (
            self.constant(f"{name}/{end}", np.array(value, np.float32))
            for end, value in zip(("low", "high"), _CLIPS[activation], strict=True)
        )
        self.node("Clip", [before, low, high], name)

    def finish(self, tensor: int, order: Permutation) -> str:
        """The name of an output: the tensor's own where that is to be had, for whoever reads it."""
        name = self.value(tensor, order)
        if any(name in node.output for node in self.nodes):
            return name
        return self.node("Identity", [name], self.unique(f"{name}/output"))
