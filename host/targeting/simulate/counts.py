"""Counts of an op's work, and of windows that go over a tensor."""

from __future__ import annotations

import attrs

from host.compiler import PlannedOp

Counts = dict[str, float]

PLAIN = frozenset(
    {"op", "mac", "padding_mac", "output", "kernel_row", "pixel", "row", "missed_byte"}
)
"""Counts of a kernel that takes one way whatever the scratch."""
PIECES = frozenset({"piece", "copied"})
"""Counts of a kernel that does better where a kernel row lies in one piece."""
PAIRED = frozenset(
    {
        *("pair_mac", "pair_expanded_byte", "patch_row", "patch_byte", "pair_quad"),
        *("row_pair_tap", "strip_output", "loaded"),
    }
)
"""Counts of kernels that have two halves side by side everywhere, as the Cortex-M33's."""


@attrs.frozen
class Work:
    """``way``: the op's kind and the way its kernel takes; ``counts``: how often it does what.

    ``passes``: how often its constants are read from end to end.
    """

    way: str
    counts: Counts
    passes: float = 1.0

    @property
    def kind(self) -> str:
        return self.way.partition("/")[0]


def number(op: PlannedOp, name: str) -> int:
    value = op.parameters[name]
    assert isinstance(value, int)
    return value


def numbers(op: PlannedOp, name: str) -> list[int]:
    value = op.parameters[name]
    assert isinstance(value, list)
    return value


def round_up4(count: int) -> int:
    return -(-count // 4) * 4


@attrs.frozen
class Axis:
    """A window going along one dimension, in elements."""

    input: int
    output: int
    window: int
    stride: int
    dilation: int
    before: int

    @property
    def touched(self) -> int:
        """Window positions that lie inside the input, over all outputs."""
        return sum(
            0 <= out * self.stride - self.before + tap * self.dilation < self.input
            for out in range(self.output)
            for tap in range(self.window)
        )

    @property
    def whole(self) -> int:
        """Outputs whose window lies inside altogether."""
        reach = (self.window - 1) * self.dilation
        starts = (out * self.stride - self.before for out in range(self.output))
        return sum(start >= 0 and start + reach < self.input for start in starts)

    @property
    def spread(self) -> int:
        """Elements from the first that a window sees to the last, padding included."""
        return (self.output - 1) * self.stride + (self.window - 1) * self.dilation + 1


def axes(op: PlannedOp, window: str) -> tuple[Axis, Axis]:
    rows, columns = (
        Axis(
            input=number(op, f"input_{side}"),
            output=number(op, f"output_{side}"),
            window=number(op, f"{window}_{side}"),
            stride=number(op, f"stride_{side}"),
            dilation=number(op, f"dilation_{side}") if f"dilation_{side}" in op.parameters else 1,
            before=number(op, before),
        )
        for side, before in (("h", "pad_top"), ("w", "pad_left"))
    )
    return rows, columns
