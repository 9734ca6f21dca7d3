"""What each operator of a float graph computes, in torch, in the graph's own shapes and layouts."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch.nn import functional

from host.arithmetic.scaling import window_extent
from host.errors import ModelError
from host.models.graph import Activation, Graph, Op, OpKind, Padding

Kernel = Callable[[Graph, Op, Sequence[torch.Tensor | None]], torch.Tensor]

_CLAMPS = {
    Activation.NONE: (None, None),
    Activation.RELU: (0.0, None),
    Activation.RELU_N1_TO_1: (-1.0, 1.0),
    Activation.RELU6: (0.0, 6.0),
}


def compute(graph: Graph, op: Op, operands: Sequence[torch.Tensor | None]) -> torch.Tensor:
    """The op's output, its fused activation applied.

    Args:
        operands: one tensor an input of ``op``, in the graph's shapes; None for one that is absent.

    Raises:
        ModelError: the op is of no float model.
    """
    if op.kind not in _KERNELS:
        raise ModelError(
            f"{graph.name}: op {op.source_index} {op.kind} {op.name!r} cannot be trained; "
            "name the float model it came from"
        )
    return activate(op, _KERNELS[op.kind](graph, op, operands))


def activate(op: Op, values: torch.Tensor) -> torch.Tensor:
    """``values`` through the op's fused activation, where it has one."""
    low, high = _CLAMPS[op.attributes.get("activation", Activation.NONE)]
    return values if low is None else torch.clamp(values, low, high)


def windows_of(
    op: Op, images: torch.Tensor, window: tuple[int, int], fill: float = 0.0
) -> torch.Tensor:
    """NHWC ``images`` as NCHW, padded with ``fill`` so that VALID windows do what ``op`` says."""
    moved = images.permute(0, 3, 1, 2)
    if op.attributes["padding"] is Padding.VALID:
        return moved
    pads: list[int] = []
    steps, hops = op.attributes["stride"], op.attributes.get("dilation", (1, 1))
    for axis in (1, 0):  # torch names the last dimension's pads first
        extent, step, hop = images.shape[1 + axis], steps[axis], hops[axis]
        count, before = window_extent(Padding.SAME, extent, window[axis], step, hop)
        total = max(0, (count - 1) * step + (window[axis] - 1) * hop + 1 - extent)
        pads += [before, total - before]
    return functional.pad(moved, pads, value=fill)


def average_counts(op: Op, images: torch.Tensor) -> torch.Tensor:
    """How many elements each window of an AVERAGE_POOL_2D covers: SAME's padding is not counted."""
    _, height, width, _ = images.shape
    ones = torch.ones((1, height, width, 1), dtype=images.dtype)
    window = op.attributes["window"]
    area = window[0] * window[1]
    padded = windows_of(op, ones, window)
    return functional.avg_pool2d(padded, window, op.attributes["stride"]).permute(0, 2, 3, 1) * area


def _given(operands: Sequence[torch.Tensor | None], position: int) -> torch.Tensor:
    operand = operands[position]
    assert operand is not None
    return operand


def _bias(operands: Sequence[torch.Tensor | None]) -> torch.Tensor | None:
    return operands[2] if len(operands) > 2 else None


def _convolution(_: Graph, op: Op, operands: Sequence[torch.Tensor | None]) -> torch.Tensor:
    images, weights = _given(operands, 0), _given(operands, 1)
    depthwise = op.kind is OpKind.DEPTHWISE_CONV_2D
    kernels = weights.permute(3, 0, 1, 2) if depthwise else weights.permute(0, 3, 1, 2)
    result = functional.conv2d(
        windows_of(op, images, (kernels.shape[2], kernels.shape[3])),
        kernels,
        _bias(operands),
        stride=op.attributes["stride"],
        dilation=op.attributes["dilation"],
        groups=images.shape[3] // kernels.shape[1],
    )
    return result.permute(0, 2, 3, 1)


def _fully_connected(graph: Graph, op: Op, operands: Sequence[torch.Tensor | None]) -> torch.Tensor:
    weights = _given(operands, 1)
    rows = _given(operands, 0).reshape(-1, weights.shape[1])
    result = functional.linear(rows, weights, _bias(operands))
    return result.reshape(graph.tensors[op.outputs[0]].shape)


def _average_pool(_: Graph, op: Op, operands: Sequence[torch.Tensor | None]) -> torch.Tensor:
    images, window = _given(operands, 0), op.attributes["window"]
    means = functional.avg_pool2d(windows_of(op, images, window), window, op.attributes["stride"])
    shares = average_counts(op, images) / (window[0] * window[1])
    return means.permute(0, 2, 3, 1) / shares


def _max_pool(_: Graph, op: Op, operands: Sequence[torch.Tensor | None]) -> torch.Tensor:
    images, window = _given(operands, 0), op.attributes["window"]
    padded = windows_of(op, images, window, fill=float("-inf"))
    return functional.max_pool2d(padded, window, op.attributes["stride"]).permute(0, 2, 3, 1)


def _pad(_: Graph, op: Op, operands: Sequence[torch.Tensor | None]) -> torch.Tensor:
    pads = [extent for pair in reversed(op.attributes["paddings"]) for extent in pair]
    return functional.pad(_given(operands, 0), pads)


def _mean(_: Graph, op: Op, operands: Sequence[torch.Tensor | None]) -> torch.Tensor:
    return _given(operands, 0).mean(op.attributes["axes"], keepdim=op.attributes["keep_dims"])


def _concatenation(_: Graph, op: Op, operands: Sequence[torch.Tensor | None]) -> torch.Tensor:
    return torch.cat([each for each in operands if each is not None], op.attributes["axis"])


def _reshape(graph: Graph, op: Op, operands: Sequence[torch.Tensor | None]) -> torch.Tensor:
    return _given(operands, 0).reshape(graph.tensors[op.outputs[0]].shape)


_KERNELS: dict[OpKind, Kernel] = {
    OpKind.CONV_2D: _convolution,
    OpKind.DEPTHWISE_CONV_2D: _convolution,
    OpKind.FULLY_CONNECTED: _fully_connected,
    OpKind.ADD: lambda _, __, operands: _given(operands, 0) + _given(operands, 1),
    OpKind.MUL: lambda _, __, operands: _given(operands, 0) * _given(operands, 1),
    OpKind.AVERAGE_POOL_2D: _average_pool,
    OpKind.MAX_POOL_2D: _max_pool,
    OpKind.SOFTMAX: lambda _, op, operands: torch.softmax(
        _given(operands, 0) * op.attributes["beta"], -1
    ),
    OpKind.LOGISTIC: lambda _, __, operands: torch.sigmoid(_given(operands, 0)),
    OpKind.HARD_SWISH: lambda _, __, operands: functional.hardswish(_given(operands, 0)),
    OpKind.PAD: _pad,
    OpKind.MEAN: _mean,
    OpKind.CONCATENATION: _concatenation,
    OpKind.TRANSPOSE: lambda _, op, operands: _given(operands, 0).permute(
        op.attributes["permutation"]
    ),
    OpKind.RESHAPE: _reshape,
}
