"""How wide a student can be, and at what resolution: the largest that a board takes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import attrs

from host.distillation.students.architectures import StudentShape, build
from host.errors import NotMetError
from host.models.graph import Graph

WIDTHS = (0.0625, 0.125, 0.1875, 0.25, 0.3125, 0.375, 0.5, 0.625, 0.75, 0.875, 1.0)
"""What is tried, the narrowest first; 1 is the architecture as published."""
REDUCTIONS = (1, 2, 4)
"""By how much each edge of the input may be divided, where it divides evenly."""
_SMALLEST_EDGE = 8


@attrs.frozen(kw_only=True)
class Need:
    """What a network takes on a board, quantized to int8.

    ``latency_ms`` is foretold, None where nothing can be said; ``violations`` say in words what
    exceeds the board or the budget, by how much.
    """

    plan_bytes: int
    arena_bytes: int
    macs: int
    latency_ms: float | None
    violations: tuple[str, ...]


Judge = Callable[[Graph], Need]
"""Says what a float network takes on the board in question."""


@attrs.frozen
class Fitted:
    """A student that fits."""

    shape: StudentShape
    need: Need


def largest_that_fits(
    shape: StudentShape,
    judge: Judge,
    *,
    widths: Sequence[float] = WIDTHS,
    reductions: Sequence[int] = REDUCTIONS,
) -> Fitted:
    """The student with the most multiply-accumulates that breaks no limit.

    Args:
        shape: architecture, the teacher's input and output; its width is not looked at.
        widths: in ascending order; whoever fits at one is taken to fit at all below it.

    Raises:
        NotMetError: none fits; with what the smallest one would need.
        ConfigError: the architecture does not take such an input.
    """
    best: Fitted | None = None
    closest: tuple[StudentShape, Need] | None = None
    for input_shape in _reduced(shape.input_shape, reductions):
        reduced = attrs.evolve(shape, input_shape=input_shape)
        fitted, smallest = _widest(reduced, judge, widths)
        if fitted is not None and (best is None or fitted.need.macs > best.need.macs):
            best = fitted
        closest = smallest
    if best is not None:
        return best
    assert closest is not None
    raise _refusal(*closest)


def _widest(
    shape: StudentShape, judge: Judge, widths: Sequence[float]
) -> tuple[Fitted | None, tuple[StudentShape, Need]]:
    """By bisection; also what the narrowest needs."""

    def need(index: int) -> tuple[StudentShape, Need]:
        at = attrs.evolve(shape, width=widths[index])
        return at, judge(build(at))

    smallest = need(0)
    if smallest[1].violations:
        return None, smallest
    low, high, found = 0, len(widths), smallest
    while high - low > 1:
        middle = (low + high) // 2
        tried = need(middle)
        if tried[1].violations:
            high = middle
        else:
            low, found = middle, tried
    return Fitted(*found), smallest


def _reduced(input_shape: tuple[int, ...], reductions: Sequence[int]) -> Iterator[tuple[int, ...]]:
    """The input at each resolution, the full one first; a vector has one."""
    yield input_shape
    if len(input_shape) != 4:
        return
    _, height, width, depth = input_shape
    for by in reductions:
        divides = height % by == 0 and width % by == 0
        if by > 1 and divides and min(height, width) // by >= _SMALLEST_EDGE:
            yield (1, height // by, width // by, depth)


def _refusal(shape: StudentShape, need: Need) -> NotMetError:
    edge = "x".join(map(str, shape.input_shape[1:]))
    return NotMetError(
        f"no {shape.architecture} meets the budget: the smallest (width {shape.width:g}, input "
        f"{edge}) does not: {'; '.join(need.violations)}",
        hint="another --student-arch, a larger --target, or a looser budget",
    )
