"""ONNX nodes with a sliding window, and what their pads are in TensorFlow's terms."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np
import onnx

from host.arithmetic.scaling import window_extent
from host.models.graph import Activation, OpKind, Padding
from host.models.onnx_builder import NCHW, Builder


@attrs.frozen
class Window:
    """Heights and widths. ``pads``: ((top, bottom), (left, right)), already of the input."""

    kernel: tuple[int, int]
    stride: tuple[int, int]
    dilation: tuple[int, int]
    pads: tuple[tuple[int, int], tuple[int, int]]


def attributes_of(node: onnx.NodeProto) -> dict[str, Any]:
    return {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}


def _window(b: Builder, node: onnx.NodeProto, kernel: tuple[int, ...]) -> Window:
    values = attributes_of(node)
    if len(kernel) != 2:
        b.refuse(node, f"has a window of {len(kernel)} dimensions; 2 are supported")
    stride = tuple(values.get("strides", (1, 1)))
    dilation = tuple(values.get("dilations", (1, 1)))
    auto_pad = values.get("auto_pad", b"NOTSET").decode()
    if auto_pad in ("SAME_UPPER", "SAME_LOWER"):
        pads = []
        for extent, size, step, hop in zip(
            b.shape(node.input[0])[2:], kernel, stride, dilation, strict=True
        ):
            total = max(0, (-(-extent // step) - 1) * step + (size - 1) * hop + 1 - extent)
            small, large = total // 2, total - total // 2
            pads.append((small, large) if auto_pad == "SAME_UPPER" else (large, small))
    else:
        top, left, bottom, right = values.get("pads", (0, 0, 0, 0))
        pads = [(top, bottom), (left, right)]
    rows, columns = pads
    if values.get("ceil_mode", 0):
        b.refuse(node, "has ceil_mode, which no supported runtime has; export it without")
    return Window(
        (kernel[0], kernel[1]), (stride[0], stride[1]), (dilation[0], dilation[1]), (rows, columns)
    )


def _is_same(extent: int, size: int, step: int, hop: int, pads: tuple[int, int]) -> bool:
    """Whether explicit pads are those of TensorFlow's SAME."""
    output, before = window_extent(Padding.SAME, extent, size, step, hop)
    total = max(0, (output - 1) * step + (size - 1) * hop + 1 - extent)
    return pads == (before, total - before)


def _padded_input(
    b: Builder, node: onnx.NodeProto, images: int, window: Window, needs_same: str | None
) -> tuple[int, Padding]:
    """The input with what SAME or VALID cannot express as a PAD before it.

    ``needs_same``: why a PAD of zeros would be wrong, where it would.
    """
    _, height, width, _ = b.tensors[images].shape
    same = all(
        _is_same(extent, window.kernel[i], window.stride[i], window.dilation[i], window.pads[i])
        for i, extent in enumerate((height, width))
    )
    if window.pads == ((0, 0), (0, 0)):
        return images, Padding.VALID
    if same:
        return images, Padding.SAME
    if needs_same is not None:
        b.refuse(node, f"has pads {list(window.pads)}, and {needs_same}")
    batch, _, _, channels = b.tensors[images].shape
    shape = (batch, height + sum(window.pads[0]), width + sum(window.pads[1]), channels)
    paddings = ((0, 0), *window.pads, (0, 0))
    name = f"{b.tensors[images].name}/pad"
    return b.emit(OpKind.PAD, [images], shape, name, paddings=paddings), Padding.VALID


def _output_shape(b: Builder, node: onnx.NodeProto) -> tuple[int, ...]:
    batch, channels, height, width = b.shape(node.output[0])
    return batch, height, width, channels


def convolution(b: Builder, node: onnx.NodeProto) -> None:
    """Conv: CONV_2D, grouped too, or DEPTHWISE_CONV_2D."""
    weights = b.constant(node, 1, "weights")
    groups = attributes_of(node).get("group", 1)
    images = b.images(node)
    window = _window(b, node, weights.shape[2:])
    images_padded, padding = _padded_input(b, node, images, window, needs_same=None)
    channels = b.tensors[images].shape[3]
    has_bias = len(node.input) > 2 and node.input[2] != ""
    bias = b.constant(node, 2, "bias") if has_bias else np.zeros(len(weights))
    attributes: dict[str, Any] = {
        "padding": padding,
        "stride": window.stride,
        "dilation": window.dilation,
        "activation": Activation.NONE,
    }
    if groups == channels > 1 and weights.shape[1] == 1:
        kind = OpKind.DEPTHWISE_CONV_2D
        rows = weights[:, 0].transpose(1, 2, 0)[np.newaxis]  # [Cout,1,KH,KW] -> [1,KH,KW,Cout]
        attributes["depth_multiplier"] = len(weights) // channels
    else:
        kind = OpKind.CONV_2D
        rows = weights.transpose(0, 2, 3, 1)  # [Cout,Cin,KH,KW] -> [Cout,KH,KW,Cin]
    inputs: list[int | None] = [
        images_padded,
        b.add_constant(node.input[1], rows),
        b.add_constant(node.input[2] if has_bias else f"{node.output[0]}/bias", bias),
    ]
    output = b.emit(kind, inputs, _output_shape(b, node), node.output[0], **attributes)
    b.define(node.output[0], output, NCHW)


def pool(b: Builder, node: onnx.NodeProto) -> None:
    """MaxPool and AveragePool."""
    values = attributes_of(node)
    window = _window(b, node, tuple(values["kernel_shape"]))
    if window.dilation != (1, 1):
        b.refuse(node, "is dilated; no supported runtime has that")
    images = b.images(node)
    if node.op_type == "MaxPool":
        kind = OpKind.MAX_POOL_2D
        fits = b.is_never_negative(node.input[0])
        needs_same = None if fits else "its input may be negative, so that zeros would change it"
    else:
        kind = OpKind.AVERAGE_POOL_2D
        # TensorFlow's SAME leaves padding out of the mean; a PAD counts it.
        counted = bool(values.get("count_include_pad", 0))
        needs_same = None if counted else "its mean leaves padding out, which only SAME does"
    if kind is OpKind.AVERAGE_POOL_2D and needs_same is None:
        images, padding = _counted_padding(b, images, window)
    else:
        images, padding = _padded_input(b, node, images, window, needs_same)
    output = b.emit(
        kind,
        [images],
        _output_shape(b, node),
        node.output[0],
        padding=padding,
        stride=window.stride,
        window=window.kernel,
        activation=Activation.NONE,
    )
    b.define(node.output[0], output, NCHW)


def _counted_padding(b: Builder, images: int, window: Window) -> tuple[int, Padding]:
    if window.pads == ((0, 0), (0, 0)):
        return images, Padding.VALID
    batch, height, width, channels = b.tensors[images].shape
    shape = (batch, height + sum(window.pads[0]), width + sum(window.pads[1]), channels)
    paddings = ((0, 0), *window.pads, (0, 0))
    name = f"{b.tensors[images].name}/pad"
    return b.emit(OpKind.PAD, [images], shape, name, paddings=paddings), Padding.VALID


def global_average_pool(b: Builder, node: onnx.NodeProto) -> None:
    """GlobalAveragePool: MEAN over height and width."""
    images = b.images(node)
    batch, _, _, channels = b.tensors[images].shape
    output = b.emit(
        OpKind.MEAN, [images], (batch, 1, 1, channels), node.output[0], axes=(1, 2), keep_dims=True
    )
    b.define(node.output[0], output, NCHW)
