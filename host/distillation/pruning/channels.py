"""Which channels of a graph belong together, so that they can only be removed together.

Every element of every activation gets a label, the channel that it belongs to. Operators pass
labels on (a pool, a reshape), tie them (a residual addition: both summands' channels become one) or
end them (a convolution reads some and writes new ones). What is left is, for each tensor, the one
axis along which its labels vary; a tensor without such an axis keeps all of its channels. The idea
is that of dependency graphs (Fang et al. 2023, "DepGraph"), on elements in place of layers, so that
reshapes into FULLY_CONNECTED and concatenations need no rules of their own.
"""

from __future__ import annotations

import attrs
import numpy as np

from host.distillation.pruning.labels import KEPT, Labels, Ties
from host.errors import ModelError
from host.models.graph import Graph, Op, OpKind


@attrs.frozen(eq=False)
class Cut:
    """Where a tensor is cut when channels go: ``labels`` has the channel of each index of ``axis``.

    A constant may have two cuts: a convolution's weights have their filters and their inputs.
    """

    tensor: int
    axis: int
    labels: Labels

    def without(self, removed: Labels) -> Cut:
        return attrs.evolve(self, labels=self.labels[~np.isin(self.labels, removed)])


@attrs.frozen(eq=False)
class Filters:
    """Weights of an op, a filter for each index of ``cut.axis``."""

    op: int
    cut: Cut


@attrs.frozen(eq=False)
class ChannelGroup:
    """Channels of the same ops, which compete with each other; at least one of them stays.

    ``producers`` index ``Graph.ops``: each writes all of ``channels``, and may write others.
    """

    producers: tuple[int, ...]
    channels: Labels


@attrs.frozen(eq=False)
class Channels:
    """What can be removed from one graph, and what goes with it.

    ``cuts`` are of activations and constants, ``filters`` of the ops that write or filter channels.
    """

    groups: tuple[ChannelGroup, ...]
    cuts: tuple[Cut, ...]
    filters: tuple[Filters, ...]

    @property
    def count(self) -> int:
        """How many there are to choose from."""
        return sum(len(group.channels) for group in self.groups)

    def without(self, removed: Labels) -> Channels:
        """Those of the graph that these channels were removed from; groups and labels stay."""
        return Channels(
            tuple(
                attrs.evolve(group, channels=np.setdiff1d(group.channels, removed))
                for group in self.groups
            ),
            tuple(cut.without(removed) for cut in self.cuts),
            tuple(attrs.evolve(each, cut=each.cut.without(removed)) for each in self.filters),
        )


def find_channels(graph: Graph) -> Channels:
    """The removable channels of a float graph.

    Raises:
        ModelError: the graph is quantized, or weights are computed.
    """
    if any(tensor.quantization is not None for tensor in graph.tensors):
        raise ModelError(f"{graph.name}: is quantized already; name the float model it came from")
    tracer = _Tracer(graph)
    for index, op in enumerate(graph.ops):
        tracer.trace(index, op)
    return tracer.result()


class _Tracer:
    """Follows the labels through a graph; labels that were tied share a root."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._ties = Ties()
        self._labels: dict[int, Labels] = {}
        self._constants: dict[int, dict[int, Labels]] = {}
        self._written: dict[int, Labels] = {}
        self._filters: list[tuple[int, int, int]] = []
        for index in graph.inputs:
            self._labels[index] = self._kept(index)

    def trace(self, index: int, op: Op) -> None:
        match op.kind:
            case OpKind.CONV_2D:
                self._convolution(index, op)
            case OpKind.DEPTHWISE_CONV_2D:
                self._depthwise(index, op)
            case OpKind.FULLY_CONNECTED:
                self._fully_connected(index, op)
            case OpKind.ADD | OpKind.MUL:
                self._elementwise(op)
            case OpKind.AVERAGE_POOL_2D | OpKind.MAX_POOL_2D:
                self._spread(op, 3, self._along(_first(op), 3))
            case OpKind.LOGISTIC | OpKind.HARD_SWISH:
                self._define(op, self._of(_first(op)))
            case OpKind.SOFTMAX:  # one value less changes all of the others
                self._ties.keep(self._of(_first(op)))
                self._define(op, self._of(_first(op)))
            case OpKind.MEAN:
                self._mean(op)
            case OpKind.PAD:
                self._pad(op)
            case OpKind.CONCATENATION:
                parts = [self._of(index) for index in op.inputs if index is not None]
                self._define(op, np.concatenate(parts, axis=op.attributes["axis"]))
            case OpKind.TRANSPOSE:
                labels = self._of(_first(op))
                self._define(op, labels.transpose(op.attributes["permutation"]))
            case OpKind.RESHAPE:
                shape = self._graph.tensors[op.outputs[0]].shape
                self._define(op, self._of(_first(op)).reshape(shape))
            case _:
                raise ModelError(f"{self._graph.name}: op {op.kind} {op.name!r} is not pruned")

    def result(self) -> Channels:
        for index in self._graph.outputs:
            self._ties.keep(self._of(index))
        cuts = []
        for tensor, labels in self._labels.items():
            axis, along = self._ties.axis_of(labels) or (0, np.zeros(0, np.int32))
            cuts.append(Cut(tensor, axis, along))
        by_constant = {
            (tensor, axis): Cut(tensor, axis, self._ties.roots(labels))
            for tensor, axes in self._constants.items()
            for axis, labels in axes.items()
        }
        filters = (Filters(op, by_constant[tensor, axis]) for op, tensor, axis in self._filters)
        cuts = [cut for cut in (*cuts, *by_constant.values()) if cut.labels.any()]
        return Channels(self._groups(), tuple(cuts), tuple(filters))

    def _groups(self) -> tuple[ChannelGroup, ...]:
        writers: dict[int, list[int]] = {}
        for op, labels in self._written.items():
            for root in np.unique(self._ties.roots(labels)).tolist():
                if root != KEPT:
                    writers.setdefault(root, []).append(op)
        members: dict[tuple[int, ...], list[int]] = {}
        for root, ops in writers.items():
            members.setdefault(tuple(ops), []).append(root)
        return tuple(
            ChannelGroup(ops, np.array(roots, np.int32)) for ops, roots in sorted(members.items())
        )

    # Labels of tensors

    def _new(self, op: int, count: int) -> Labels:
        self._written[op] = self._ties.new(count)
        return self._written[op]

    def _kept(self, tensor: int) -> Labels:
        return np.broadcast_to(np.int32(KEPT), self._graph.tensors[tensor].shape)

    def _is_constant(self, tensor: int) -> bool:
        return self._graph.tensors[tensor].data is not None

    def _of(self, tensor: int) -> Labels:
        """Of an activation; a constant that is read as one stays as it is."""
        if self._is_constant(tensor):
            self._cut_constant(tensor, {})
            return self._kept(tensor)
        return self._labels[tensor]

    def _along(self, tensor: int, axis: int) -> Labels:
        """The labels of a tensor along ``axis``; it keeps all of them where others vary."""
        return self._ties.along(self._of(tensor), axis)

    def _define(self, op: Op, labels: Labels) -> None:
        if self._ties.axis_of(labels) is None:
            self._ties.keep(labels)
        self._labels[op.outputs[0]] = labels

    def _spread(self, op: Op, axis: int, along: Labels) -> None:
        """Defines an output whose labels vary along one axis."""
        shape = self._graph.tensors[op.outputs[0]].shape
        aligned = along.reshape((-1,) + (1,) * (len(shape) - axis - 1))
        self._define(op, np.broadcast_to(aligned, shape))

    def _cut_constant(self, tensor: int | None, axes: dict[int, Labels]) -> None:
        """Ties a constant to the channels that it is cut along; all of its readers agree or none
        cuts it."""
        if tensor is None:
            return
        if not self._is_constant(tensor):
            raise ModelError(
                f"{self._graph.name}: tensor {self._graph.tensors[tensor].name!r}: weights that "
                "are computed cannot be pruned"
            )
        before = self._constants.setdefault(tensor, axes)
        if before.keys() == axes.keys():
            for axis, labels in axes.items():
                self._ties.tie(before[axis], labels)
            return
        for labels in (*before.values(), *axes.values()):
            self._ties.keep(labels)

    # Operators

    def _convolution(self, index: int, op: Op) -> None:
        weights, bias = _weights(op)
        read = self._along(_first(op), 3)
        filters, *_, depth = self._graph.tensors[weights].shape
        if depth != len(read):  # grouped: channels are cut by position, not by label
            self._ties.keep(read)
            self._spread(op, 3, np.zeros(filters, np.int32))
            return
        self._produce(index, op, weights, bias, {0: self._new(index, filters), 3: read}, 0)

    def _depthwise(self, index: int, op: Op) -> None:
        weights, bias = _weights(op)
        read = self._along(_first(op), 3)
        count = self._graph.tensors[weights].shape[3]
        # Of one channel every filter's output is free; of several, those of a channel go with it.
        written = self._new(index, count) if len(read) == 1 else np.repeat(read, count // len(read))
        self._produce(index, op, weights, bias, {3: written}, 3)

    def _fully_connected(self, index: int, op: Op) -> None:
        weights, bias = _weights(op)
        rows, columns = self._graph.tensors[weights].shape
        read = self._ties.along(self._of(_first(op)).reshape(-1, columns), 1)
        self._produce(index, op, weights, bias, {0: self._new(index, rows), 1: read}, 0)

    def _produce(
        self,
        index: int,
        op: Op,
        weights: int,
        bias: int | None,
        axes: dict[int, Labels],
        output_axis: int,
    ) -> None:
        """Cuts weights and bias; the channels of ``output_axis`` are the output's last."""
        self._cut_constant(weights, axes)
        self._cut_constant(bias, {} if bias is None else {0: axes[output_axis]})
        self._filters.append((index, weights, output_axis))
        last = len(self._graph.tensors[op.outputs[0]].shape) - 1
        self._spread(op, last, axes[output_axis])

    def _elementwise(self, op: Op) -> None:
        shape = self._graph.tensors[op.outputs[0]].shape
        operands = [index for index in op.inputs if index is not None]
        computed = [index for index in operands if not self._is_constant(index)]
        # Whoever has all of the output's elements decides along which axis channels lie.
        computed.sort(key=lambda index: -self._graph.tensors[index].elements)
        labels = np.broadcast_to(self._of(computed[0]), shape)
        axis, along = self._ties.axis_of(labels) or (len(shape) - 1, labels)
        for other in computed[1:]:
            theirs = self._of(other)
            own_axis = axis - (len(shape) - theirs.ndim)
            if own_axis < 0 or theirs.shape[own_axis] != shape[axis]:
                self._ties.keep(theirs)  # one value for all channels
            else:
                self._ties.tie(labels, np.broadcast_to(theirs, shape))
        self._define(op, labels)
        for constant in operands:
            if not self._is_constant(constant):
                continue
            own_axis = axis - (len(shape) - len(self._graph.tensors[constant].shape))
            is_along = own_axis >= 0 and self._graph.tensors[constant].shape[own_axis] > 1
            self._cut_constant(constant, {own_axis: along} if is_along else {})

    def _mean(self, op: Op) -> None:
        labels, axes = self._of(_first(op)), op.attributes["axes"]
        roots = self._ties.roots(labels)
        if (roots.min(axis=axes) != roots.max(axis=axes)).any():  # a mean over channels
            self._ties.keep(labels)
        reduced = self._ties.roots(labels).min(axis=axes, keepdims=op.attributes["keep_dims"])
        self._define(op, reduced.reshape(self._graph.tensors[op.outputs[0]].shape))

    def _pad(self, op: Op) -> None:
        axis, along = self._ties.axis_of(self._of(_first(op))) or (0, np.zeros(0, np.int32))
        added = op.attributes["paddings"][axis]
        self._spread(op, axis, np.pad(along, added, constant_values=KEPT))


def _first(op: Op) -> int:
    assert op.inputs[0] is not None  # every importer sees to that
    return op.inputs[0]


def _weights(op: Op) -> tuple[int, int | None]:
    weights = op.inputs[1]
    assert weights is not None
    return weights, op.inputs[2] if len(op.inputs) > 2 else None
