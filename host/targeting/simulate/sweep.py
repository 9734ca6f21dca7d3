"""Which ops a calibration measures: models of one op each, drawn with a fixed seed.

Shapes are spread evenly on a logarithmic scale up to what the board has room for, so that every
count of :mod:`host.targeting.simulate.work` varies apart from the others.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import attrs
import numpy as np

from host.compiler import CompiledPlan, CompileOptions, compile_graph
from host.errors import ModelError
from host.models.graph import Graph, OpKind, Padding
from host.targeting.simulate.models import GraphBuilder
from protocol.plan import PlanOp

SEED = 2024
_TRIES = 60
_ROOMY_BYTES = 24_000
"""More than any op's scratch is worth."""
_KERNELS = ((1, 1), (1, 1), (3, 3), (3, 3), (3, 3), (5, 5), (3, 1), (1, 5), (2, 2), (10, 4))


@attrs.frozen(kw_only=True)
class Room:
    """What a model of the sweep may take. ``macs`` bounds the time of a run on slow emulators."""

    arena_bytes: int
    plan_bytes: int
    macs: int


@attrs.frozen(eq=False)
class SweepModel:
    """A model of one op; of a further one where that has to give it room or an operand."""

    graph: Graph
    plan: CompiledPlan


class _Draw:
    """Random choices within a room."""

    def __init__(self, seed: int, room: Room) -> None:
        self.random = np.random.default_rng(seed)
        self.seed = seed
        self.room = room

    def size(self, low: int, high: int) -> int:
        """Evenly on a logarithmic scale, both ends included."""
        return round(math.exp(self.random.uniform(math.log(low), math.log(max(low, high)))))

    def one_of(self, *values: int) -> int:
        return int(self.random.choice(values))

    def chance(self, probability: float) -> bool:
        return bool(self.random.random() < probability)

    @property
    def elements(self) -> int:
        """Of one activation tensor."""
        return min(65536, max(16, self.room.arena_bytes // 3))

    def image(self, channels: int, least: tuple[int, int] = (1, 1)) -> tuple[int, int, int, int]:
        """[1, height, width, channels] with at least ``least`` pixels a side."""
        pixels = max(1, self.elements // channels)
        side = max(2, math.isqrt(pixels))
        height = max(least[0], self.size(2, min(side, 40)))
        width = max(least[1], self.size(2, max(2, min(40, pixels // height))))
        return 1, height, width, channels


def _convolution(draw: _Draw, channels: int, roomy: bool = False) -> Graph:
    build = GraphBuilder(draw.seed)
    kernel = _KERNELS[draw.one_of(*range(len(_KERNELS)))]
    stride = (2, 2) if draw.chance(0.3) else (1, 1)
    padding = Padding.SAME if draw.chance(0.7) else Padding.VALID
    dilation = (2, 2) if draw.chance(0.1) and kernel == (3, 3) else (1, 1)
    groups = 2 if channels % 2 == 0 and channels > 2 and draw.chance(0.1) else 1
    reach = (kernel[0] - 1) * dilation[0] + 1, (kernel[1] - 1) * dilation[1] + 1
    source = build.input(draw.image(channels, reach))
    weights = max(4, draw.room.plan_bytes // (math.prod(kernel) * channels // groups + 13))
    outputs = draw.size(min(4, weights), min(128, weights)) if draw.chance(0.8) else draw.size(1, 9)
    output = build.convolution(
        source,
        max(1, outputs // groups) * groups,
        kernel,
        stride=stride,
        dilation=dilation,
        padding=padding,
        groups=groups,
    )
    if roomy:
        # A larger op behind it: in its arena a planner has room for a large tile of patches.
        rows = _ROOMY_BYTES // math.prod(build.shape(output)[2:])
        output = build.pad(output, [(0, 0), (0, rows), (0, 0), (0, 0)])
    return build.build(output)


def _conv_words(draw: _Draw) -> Graph:
    return _convolution(draw, 4 * draw.size(1, 32), roomy=draw.chance(0.5))


def _conv_odd(draw: _Draw) -> Graph:
    return _convolution(draw, draw.one_of(1, 1, 2, 3, 3, 5, 6, 7, 9, 10, 14, 18))


def _conv_pointwise(draw: _Draw) -> Graph:
    build = GraphBuilder(draw.seed)
    channels = draw.size(4, 128)
    source = build.input(draw.image(channels))
    return build.build(
        build.convolution(source, draw.size(max(1, channels // 4), channels), (1, 1))
    )


def _depthwise(draw: _Draw, kernel: tuple[int, int], multiplier: int = 1) -> Graph:
    build = GraphBuilder(draw.seed)
    stride = (2, 2) if draw.chance(0.35) else (1, 1)
    padding = Padding.SAME if draw.chance(0.7) else Padding.VALID
    channels = draw.size(1, 96)
    source = build.input(draw.image(channels, kernel))
    return build.build(
        build.depthwise(source, kernel, multiplier=multiplier, stride=stride, padding=padding)
    )


def _depthwise_3x3(draw: _Draw) -> Graph:
    return _depthwise(draw, (3, 3))


def _depthwise_any(draw: _Draw) -> Graph:
    kernels = ((5, 5), (1, 3), (3, 1), (2, 2), (4, 4), (1, 7), (7, 7))
    return _depthwise(draw, kernels[draw.one_of(*range(len(kernels)))])


def _depthwise_multiplied(draw: _Draw) -> Graph:
    return _depthwise(draw, (3, 3), draw.one_of(2, 3, 4, 8))


def _fully_connected(draw: _Draw) -> Graph:
    build = GraphBuilder(draw.seed)
    inputs = draw.size(1, min(2048, draw.room.arena_bytes // 4))
    outputs = draw.size(1, max(1, min(512, draw.room.plan_bytes // (inputs + 13))))
    rows = draw.size(2, 6) if draw.chance(0.15) else 1
    source = build.input((rows, inputs))
    return build.build(build.fully_connected(source, outputs, rows=rows))


def _elementwise(kind: OpKind) -> Callable[[_Draw], Graph]:
    def graph(draw: _Draw) -> Graph:
        build = GraphBuilder(draw.seed)
        shape = draw.image(draw.size(1, 64))
        first = build.input(shape)
        way = draw.random.random()
        if way < 0.6:
            second = build.input(shape, 0.03, 7)
        elif way < 0.8:
            second = build.input((1, 1, 1, shape[-1]), 0.03, 7)
        else:
            second = build.constant((1, 1, 1, max(2, shape[-1])) if shape[-1] > 1 else shape)
        return build.build(build.elementwise(kind, first, second))

    return graph


def _pool(kind: OpKind) -> Callable[[_Draw], Graph]:
    def graph(draw: _Draw) -> Graph:
        build = GraphBuilder(draw.seed)
        channels = draw.size(1, 96)
        shape = draw.image(channels, (3, 3))
        windows = ((2, 2), (2, 2), (3, 3), (1, 2), shape[1:3])
        window = windows[draw.one_of(*range(len(windows)))]
        stride = window if draw.chance(0.7) else (1, 1)
        padding = Padding.VALID if draw.chance(0.7) else Padding.SAME
        return build.build(build.pool(kind, build.input(shape), window, stride, padding))

    return graph


def _lookup(kind: OpKind) -> Callable[[_Draw], Graph]:
    def graph(draw: _Draw) -> Graph:
        build = GraphBuilder(draw.seed)
        return build.build(build.lookup(kind, build.input((1, draw.size(1, draw.elements)))))

    return graph


def _softmax(draw: _Draw) -> Graph:
    build = GraphBuilder(draw.seed)
    rows = draw.size(2, 20) if draw.chance(0.4) else 1
    depth = draw.size(2, max(2, min(200, draw.elements // rows)))
    scale = 0.3 / (1 + draw.one_of(0, 1, 2, 8))
    return build.build(build.softmax(build.input((rows, depth), scale, 10)))


def _pad(draw: _Draw) -> Graph:
    build = GraphBuilder(draw.seed)
    shape = draw.image(draw.size(1, 64))
    sides = [(draw.one_of(0, 1, 1, 2), draw.one_of(0, 1, 1, 2)) for _ in range(2)]
    deep = (draw.one_of(0, 4), draw.one_of(0, 1, 4)) if draw.chance(0.3) else (0, 0)
    return build.build(build.pad(build.input(shape), [(0, 0), *sides, deep]))


def _mean(draw: _Draw) -> Graph:
    build = GraphBuilder(draw.seed)
    axes = ((1, 2), (1, 2), (1,), (2,), (3,))[draw.one_of(0, 1, 2, 3, 4)]
    return build.build(build.mean(build.input(draw.image(draw.size(1, 96))), axes))


def _concatenation(draw: _Draw) -> Graph:
    build = GraphBuilder(draw.seed)
    axis = draw.one_of(1, 3, 3)
    _, height, width, channels = draw.image(draw.size(1, 48))
    sources = []
    for _ in range(draw.one_of(2, 2, 3, 4)):
        shape = [1, max(1, height // 2), width, channels]
        shape[axis] = max(1, draw.size(1, shape[axis]))
        if draw.chance(0.5):
            shape[axis] = -(-shape[axis] // 4) * 4
        sources.append(build.input(shape))
    return build.build(build.concatenation(sources, axis))


def _transpose(draw: _Draw) -> Graph:
    build = GraphBuilder(draw.seed)
    permutations = ((0, 3, 1, 2), (0, 2, 1, 3), (0, 3, 2, 1), (0, 1, 3, 2))
    source = build.input(draw.image(draw.size(1, 64)))
    return build.build(build.transpose(source, permutations[draw.one_of(0, 1, 2, 3)]))


@attrs.frozen
class _Family:
    """``needs``: the plan's op without which a board has nothing to measure here."""

    draw: Callable[[_Draw], Graph]
    needs: PlanOp
    count: int
    lean: int = 0
    """How many more are drawn for kernels without scratch."""
    in_place: bool = False
    """Whether the op can work in place; then a third of them is kept from it."""


_FAMILIES = (
    _Family(_conv_words, PlanOp.CONV_2D, 60, lean=16),
    _Family(_conv_odd, PlanOp.CONV_2D, 36, lean=10),
    _Family(_conv_pointwise, PlanOp.CONV_2D, 30, lean=14, in_place=True),
    _Family(_depthwise_3x3, PlanOp.DEPTHWISE_CONV_2D, 36, lean=12, in_place=True),
    _Family(_depthwise_any, PlanOp.DEPTHWISE_CONV_2D, 36, lean=12, in_place=True),
    _Family(_depthwise_multiplied, PlanOp.DEPTHWISE_CONV_2D, 16),
    _Family(_fully_connected, PlanOp.FULLY_CONNECTED, 48, lean=12),
    _Family(_elementwise(OpKind.ADD), PlanOp.ADD, 18),
    _Family(_elementwise(OpKind.MUL), PlanOp.MUL, 18),
    _Family(_pool(OpKind.AVERAGE_POOL_2D), PlanOp.AVERAGE_POOL_2D, 20),
    _Family(_pool(OpKind.MAX_POOL_2D), PlanOp.MAX_POOL_2D, 20),
    _Family(_softmax, PlanOp.SOFTMAX, 20),
    _Family(_lookup(OpKind.LOGISTIC), PlanOp.LOGISTIC, 6),
    _Family(_lookup(OpKind.HARD_SWISH), PlanOp.HARD_SWISH, 6),
    _Family(_lookup(OpKind.QUANTIZE), PlanOp.QUANTIZE, 6),
    _Family(_pad, PlanOp.PAD, 16),
    _Family(_mean, PlanOp.MEAN, 16),
    _Family(_concatenation, PlanOp.CONCATENATION, 18),
    _Family(_transpose, PlanOp.TRANSPOSE, 14),
)


def sweep(options: CompileOptions, room: Room, seed: int = SEED) -> Iterator[SweepModel]:
    """The models for a board, compiled for it.

    Args:
        options: what the board takes, as for any model.
        room: what is left for a model there.
    """
    for number, family in enumerate(_FAMILIES):
        if family.needs not in options.op_set:
            continue
        for index in range(family.count + family.lean):
            lean = index >= family.count
            chosen = attrs.evolve(
                options,
                arena_limit_bytes=0 if lean else room.arena_bytes,
                preserve_all=family.in_place and not lean and index % 3 == 0,
            )
            first_seed = seed + 1_000_000 * number + 1_000 * index
            model = _fitting(family.draw, chosen, room, first_seed)
            if model is not None:
                yield model


def _fitting(
    draw: Callable[[_Draw], Graph], options: CompileOptions, room: Room, seed: int
) -> SweepModel | None:
    """The first of a row of draws that fits the room; None where none does."""
    for attempt in range(_TRIES):
        graph = draw(_Draw(seed + attempt, room))
        largest = max(tensor.elements for tensor in graph.tensors)
        if largest > max(room.arena_bytes, room.plan_bytes):
            continue
        try:
            plan = compile_graph(graph, options)
        except ModelError:  # an operand's CONSTANT, which the board has no kernel for
            continue
        if (
            plan.arena_bytes <= room.arena_bytes
            and len(plan.data) <= room.plan_bytes
            and plan.macs <= room.macs
        ):
            return SweepModel(graph, plan)
    return None
