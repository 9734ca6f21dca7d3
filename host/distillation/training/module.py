"""A float :class:`~host.models.graph.Graph` as a torch module, and back.

The module runs the graph op by op, each tensor in the graph's own shape and layout; many samples
go through at once because ``torch.vmap`` adds a dimension that no op sees. So whatever the graph
does with its batch of 1, of reshaping or transposing it, stays right.
"""

from __future__ import annotations

from collections.abc import Sequence

import attrs
import numpy as np
import torch
from numpy.typing import NDArray

from host.distillation.training.operators import compute
from host.errors import ModelError
from host.models.graph import DType, Graph, Op, OpKind

PARAMETER_POSITIONS: dict[OpKind, tuple[int, ...]] = {
    OpKind.CONV_2D: (1, 2),
    OpKind.DEPTHWISE_CONV_2D: (1, 2),
    OpKind.FULLY_CONNECTED: (1, 2),
    OpKind.ADD: (0, 1),
    OpKind.MUL: (0, 1),
}
"""Inputs of an op that may be trained, where they are constants."""


class GraphModule(torch.nn.Module):  # type: ignore[misc]  # torch is not there to be checked
    """Computes what the graph computes, with its constants as parameters.

    ``forward`` takes a float32 tensor an input of the graph, [n, *shape of that input], and returns
    one an output likewise. Trained are weights and biases, and operands of ADD and MUL of more than
    one element (what is left of a batch normalization); a constant of one element belongs to
    a function that the importer wrote out, and stays.
    """

    def __init__(self, graph: Graph) -> None:
        """
        Raises:
            ModelError: the graph is quantized, or lacks a constant.
        """
        super().__init__()
        self.graph = graph
        self._registered: dict[int, str] = {}
        trained = _trained(graph)
        for index, tensor in enumerate(graph.tensors):
            if tensor.dtype in (DType.INT8, DType.INT4, DType.UINT8, DType.INT16):
                raise ModelError(
                    f"{graph.name}: is quantized already; name the float model it came from"
                )
            if tensor.data is None or tensor.dtype is not DType.FLOAT32:
                continue
            name = f"{index}:{tensor.name}".replace(".", "_")  # torch allows no dots
            value = torch.from_numpy(np.array(tensor.data, np.float32))
            if index in trained:
                self.register_parameter(name, torch.nn.Parameter(value))
            else:
                self.register_buffer(name, value)
            self._registered[index] = name

    @property
    def trained(self) -> dict[int, torch.nn.Parameter]:
        """The parameters by their tensors' indices in the graph, in the graph's layouts."""
        parameters = dict(self.named_parameters(recurse=False))
        return {
            index: parameters[name]
            for index, name in self._registered.items()
            if name in parameters
        }

    def constant(self, index: int) -> torch.Tensor:
        """The constant at that index of ``graph.tensors``, as the graph's ops read it."""
        if index not in self._registered:
            raise ModelError(
                f"{self.graph.name}: nothing writes tensor {self.graph.tensors[index].name!r}"
            )
        return getattr(self, self._registered[index])

    def computed(self, op: Op, operands: Sequence[torch.Tensor | None]) -> torch.Tensor:
        """One op's output; what simulates another arithmetic overrides it."""
        return compute(self.graph, op, operands)

    def entered(self, index: int, values: torch.Tensor) -> torch.Tensor:
        """An input of the graph as the ops find it."""
        return values

    def tensors(self, indices: Sequence[int], *inputs: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """The values of those tensors, [n, *shape] each; ``inputs`` are those of ``forward``."""

        def run(*samples: torch.Tensor) -> tuple[torch.Tensor, ...]:
            values: dict[int, torch.Tensor] = {
                index: self.entered(index, sample)
                for index, sample in zip(self.graph.inputs, samples, strict=True)
            }
            for op in self.graph.ops:
                operands = [
                    None if at is None else values[at] if at in values else self.constant(at)
                    for at in op.inputs
                ]
                values[op.outputs[0]] = self.computed(op, operands)
            return tuple(values[index] for index in indices)

        values: tuple[torch.Tensor, ...] = torch.vmap(run)(*inputs)
        return values

    def forward(self, *inputs: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """All outputs."""
        return self.tensors(self.graph.outputs, *inputs)

    def scores(self, *inputs: torch.Tensor) -> torch.Tensor:
        """What losses are taken of, [n, elements of all outputs].

        Where an output is a SOFTMAX or a LOGISTIC, its input (times SOFTMAX's beta): losses of
        that keep their gradients where the function saturates.
        """
        heads = [head_of(self.graph, index) for index in self.graph.outputs]
        values = self.tensors([head.tensor for head in heads], *inputs)
        return torch.cat(
            [v.reshape(len(v), -1) * h.factor for v, h in zip(values, heads, strict=True)], 1
        )

    def to_graph(self) -> Graph:
        """The graph with the parameters' present values; everything else is as it was."""
        tensors = list(self.graph.tensors)
        for index, parameter in self.trained.items():
            values: NDArray[np.float32] = parameter.detach().numpy().copy()
            tensors[index] = attrs.evolve(tensors[index], data=values)
        return attrs.evolve(self.graph, tensors=tensors)


@attrs.frozen
class Head:
    """Where an output's scores are: a tensor, times a factor; ``kind`` of the function after it."""

    tensor: int
    factor: float = 1.0
    kind: OpKind | None = None


def head_of(graph: Graph, output: int) -> Head:
    """The scores of an output: before its SOFTMAX or LOGISTIC, where it ends with one."""
    producers = {op.outputs[0]: op for op in graph.ops}
    at = output
    while at in producers and producers[at].kind is OpKind.RESHAPE:
        source = producers[at].inputs[0]
        assert source is not None
        at = source
    op = producers.get(at)
    if op is not None and op.kind in (OpKind.SOFTMAX, OpKind.LOGISTIC):
        source = op.inputs[0]
        assert source is not None
        return Head(source, float(op.attributes.get("beta", 1.0)), op.kind)
    return Head(output)


def _trained(graph: Graph) -> set[int]:
    found = set()
    for op in graph.ops:
        for position in PARAMETER_POSITIONS.get(op.kind, ()):
            index = op.inputs[position] if position < len(op.inputs) else None
            if index is None or graph.tensors[index].data is None:
                continue
            if op.kind not in (OpKind.ADD, OpKind.MUL) or graph.tensors[index].elements > 1:
                found.add(index)
    return found
