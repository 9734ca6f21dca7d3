"""One small plan for every way an op can be laid out: seeds for hostile-plan tests."""

from __future__ import annotations

from typing import Any

from protocol.plan import MAX_RANK, PACKED_KINDS, PLAN_HEADER, PlanOp
from tests.support.plan_builder import PlanBuilder

Q31_HALF = 1 << 30


def _weights(kind: PlanOp, rows: int, row_elements: int) -> bytes:
    padded = (
        -(-row_elements // 8) * 4 if kind in PACKED_KINDS.values() else -(-row_elements // 4) * 4
    )
    return bytes((37 * i + 11) % 256 for i in range(rows * padded))


def _scaling(builder: PlanBuilder, channels: int) -> dict[str, Any]:
    return {
        "bias_offset": builder.words(*(100 * i - 150 for i in range(channels))),
        "multipliers_offset": builder.words(*(Q31_HALF + 1000 * i for i in range(channels))),
        "shifts_offset": builder.data(bytes((250 + i % 4) for i in range(channels)), 1),
    }


def _activation() -> dict[str, int]:
    return {"activation_min": -128, "activation_max": 127}


def _conv(
    kind: PlanOp,
    *,
    input_hwc: tuple[int, int, int],
    output_hwc: tuple[int, int, int],
    kernel: tuple[int, int],
    groups: int = 1,
    stride: int = 1,
    dilation: int = 1,
    pad: int = 0,
    scratch_bytes: int = 0,
    in_place: bool = False,
) -> bytes:
    b = PlanBuilder()
    source = b.tensor((1, *input_hwc))
    result = b.tensor((1, *output_hwc), arena_offset=0 if in_place else None)
    row = kernel[0] * kernel[1]
    if kind is not PlanOp.DEPTHWISE_CONV_2D:
        row *= input_hwc[2] // groups
    params = {
        "batch": 1,
        "input_h": input_hwc[0],
        "input_w": input_hwc[1],
        "input_c": input_hwc[2],
        "output_h": output_hwc[0],
        "output_w": output_hwc[1],
        "output_c": output_hwc[2],
        "kernel_h": kernel[0],
        "kernel_w": kernel[1],
        "groups": groups,
        "stride_h": stride,
        "stride_w": stride,
        "dilation_h": dilation,
        "dilation_w": dilation,
        "pad_top": pad,
        "pad_left": pad,
        "pad_value": -3,
        "output_zero_point": 5,
        **_activation(),
        "weights_offset": b.data(_weights(kind, output_hwc[2], row)),
        **_scaling(b, output_hwc[2]),
    }
    b.op(kind, [source], [result], params, scratch_bytes)
    b.inputs, b.outputs = [source], [result]
    return b.build()


def _fully_connected(
    batch: int,
    inputs: int,
    outputs: int,
    channels: int,
    kind: PlanOp = PlanOp.FULLY_CONNECTED,
) -> bytes:
    b = PlanBuilder()
    source, result = b.tensor((batch, inputs)), b.tensor((batch, outputs))
    scaling = _scaling(b, outputs)
    params = {
        "batch": batch,
        "inputs": inputs,
        "outputs": outputs,
        "output_zero_point": -7,
        **_activation(),
        "weights_offset": b.data(_weights(kind, outputs, inputs)),
        **scaling,
        "channels": channels,
    }
    b.op(kind, [source], [result], params, 2 * -(-inputs // 8) * 8)
    b.inputs, b.outputs = [source], [result]
    return b.build()


def _elementwise(kind: PlanOp, broadcast: bool) -> bytes:
    b = PlanBuilder()
    left = b.tensor((1, 4, 5, 3))
    right = b.tensor((3,) if broadcast else (1, 4, 5, 3))
    result = b.tensor((1, 4, 5, 3), arena_offset=0)
    params = {
        "input1_offset": 4,
        "input2_offset": -9,
        "output_offset": 3,
        "input1_multiplier": Q31_HALF + 77,
        "input2_multiplier": Q31_HALF + 999_999,
        "output_multiplier": Q31_HALF + 12_345,
        "input1_shift": 0 if kind is PlanOp.ADD else 1,
        "input2_shift": -1,
        "output_shift": -18 if kind is PlanOp.ADD else -6,
        "left_shift": 20,
        **_activation(),
        "dims": [1, 4, 5, 3],
        "input1_strides": [60, 15, 3, 1],
        "input2_strides": [0, 0, 0, 1] if broadcast else [60, 15, 3, 1],
    }
    b.op(kind, [left, right], [result], params)
    b.inputs, b.outputs = [left, right], [result]
    return b.build()


def _pool(kind: PlanOp) -> bytes:
    b = PlanBuilder()
    source, result = b.tensor((2, 5, 4, 3)), b.tensor((2, 3, 2, 3))
    params = {
        "batch": 2,
        "input_h": 5,
        "input_w": 4,
        "channels": 3,
        "output_h": 3,
        "output_w": 2,
        "window_h": 3,
        "window_w": 2,
        "stride_h": 2,
        "stride_w": 2,
        "pad_top": 1,
        "pad_left": 0,
        **_activation(),
    }
    b.op(kind, [source], [result], params)
    b.inputs, b.outputs = [source], [result]
    return b.build()


def _softmax() -> bytes:
    b = PlanBuilder()
    source, result = b.tensor((3, 10)), b.tensor((3, 10), arena_offset=0)
    table = [((1 << 31) - 1) >> (i // 4) for i in range(60)]
    params = {"rows": 3, "depth": 10, "table_entries": 60, "table_offset": b.words(*table)}
    b.op(PlanOp.SOFTMAX, [source], [result], params)
    b.inputs, b.outputs = [source], [result]
    return b.build()


def _lookup(kind: PlanOp) -> bytes:
    b = PlanBuilder()
    source, result = b.tensor((21,)), b.tensor((21,))
    table = b.data(bytes((i * 7) % 256 for i in range(256)), 1)
    b.op(kind, [source], [result], {"count": 21, "table_offset": table})
    b.inputs, b.outputs = [source], [result]
    return b.build()


def _pad() -> bytes:
    b = PlanBuilder()
    source, result = b.tensor((3, 4, 2)), b.tensor((6, 5, 3))
    params = {
        "dims": [1, 1, 1, 3, 4, 2],
        "before": [0, 0, 0, 1, 0, 1],
        "after": [0, 0, 0, 2, 1, 0],
        "value": -5,
    }
    b.op(PlanOp.PAD, [source], [result], params)
    b.inputs, b.outputs = [source], [result]
    return b.build()


def _mean() -> bytes:
    b = PlanBuilder()
    source, result = b.tensor((2, 3, 4, 5)), b.tensor((2, 5))
    ones = [1] * (MAX_RANK - 2)
    params = {
        "kept_dims": [*ones, 2, 5],
        "kept_strides": [0, 0, 0, 0, 60, 1],
        "reduced_dims": [*ones, 3, 4],
        "reduced_strides": [0, 0, 0, 0, 20, 5],
        "input_zero_point": 3,
        "output_zero_point": -4,
        "multiplier": Q31_HALF + 5,
        "shift": -3,
    }
    b.op(PlanOp.MEAN, [source], [result], params)
    b.inputs, b.outputs = [source], [result]
    return b.build()


def _concatenation() -> bytes:
    b = PlanBuilder()
    parts = [b.tensor((4, 3)), b.tensor((4, 1)), b.tensor((4, 6))]
    result = b.tensor((4, 10))
    b.op(PlanOp.CONCATENATION, parts, [result], {"outer": 4})
    b.inputs, b.outputs = parts, [result]
    return b.build()


def _transpose() -> bytes:
    b = PlanBuilder()
    source, result = b.tensor((2, 3, 4)), b.tensor((4, 2, 3))
    params = {"dims": [1, 1, 1, 4, 2, 3], "input_strides": [0, 0, 0, 1, 12, 4]}
    b.op(PlanOp.TRANSPOSE, [source], [result], params)
    b.inputs, b.outputs = [source], [result]
    return b.build()


def _reshape() -> bytes:
    b = PlanBuilder()
    source, result = b.tensor((2, 6)), b.tensor((3, 4))
    b.op(PlanOp.RESHAPE, [source], [result], {"size_bytes": 12})
    b.inputs, b.outputs = [source], [result]
    return b.build()


def _constant() -> bytes:
    b = PlanBuilder()
    result = b.tensor((2, 5))
    data = b.data(bytes(range(10)), 1)
    b.op(PlanOp.CONSTANT, [], [result], {"size_bytes": 10, "data_offset": data})
    b.outputs = [result]
    return b.build()


def sample_plans() -> dict[str, bytes]:
    """Valid plans by name. Together they hold every op kind of version 1.0."""
    conv, depthwise = PlanOp.CONV_2D, PlanOp.DEPTHWISE_CONV_2D
    conv_int4, fully_connected_int4 = PlanOp.CONV_2D_INT4, PlanOp.FULLY_CONNECTED_INT4
    plans = {
        "conv_padded": _conv(
            conv, input_hwc=(5, 6, 3), output_hwc=(5, 6, 4), kernel=(3, 3), pad=1, scratch_bytes=224
        ),
        "conv_strided_dilated": _conv(
            conv,
            input_hwc=(9, 9, 2),
            output_hwc=(3, 3, 3),
            kernel=(2, 3),
            stride=2,
            dilation=2,
            pad=1,
        ),
        "conv_grouped": _conv(
            conv, input_hwc=(4, 4, 6), output_hwc=(3, 3, 4), kernel=(2, 2), groups=2
        ),
        "conv_in_place": _conv(
            conv,
            input_hwc=(3, 4, 8),
            output_hwc=(3, 4, 5),
            kernel=(1, 1),
            scratch_bytes=64,
            in_place=True,
        ),
        "conv_2d_int4": _conv(
            conv_int4,
            input_hwc=(5, 6, 3),
            output_hwc=(5, 6, 4),
            kernel=(3, 3),
            pad=1,
            scratch_bytes=60,
        ),
        "conv_2d_int4_in_place": _conv(
            conv_int4,
            input_hwc=(3, 4, 9),
            output_hwc=(3, 4, 5),
            kernel=(1, 1),
            scratch_bytes=32,
            in_place=True,
        ),
        "depthwise": _conv(
            depthwise,
            input_hwc=(5, 5, 3),
            output_hwc=(5, 5, 3),
            kernel=(3, 3),
            groups=3,
            pad=1,
        ),
        "depthwise_multiplied": _conv(
            depthwise,
            input_hwc=(6, 5, 2),
            output_hwc=(3, 2, 6),
            kernel=(2, 2),
            groups=2,
            stride=2,
        ),
        "fully_connected": _fully_connected(2, 10, 6, 1),
        "fully_connected_per_channel": _fully_connected(1, 7, 5, 5),
        "fully_connected_int4": _fully_connected(2, 10, 6, 1, fully_connected_int4),
        "fully_connected_int4_per_channel": _fully_connected(1, 7, 5, 5, fully_connected_int4),
        "add": _elementwise(PlanOp.ADD, broadcast=False),
        "add_broadcast": _elementwise(PlanOp.ADD, broadcast=True),
        "mul": _elementwise(PlanOp.MUL, broadcast=False),
        "mul_broadcast": _elementwise(PlanOp.MUL, broadcast=True),
        "softmax": _softmax(),
        "pad": _pad(),
        "mean": _mean(),
        "concatenation": _concatenation(),
        "transpose": _transpose(),
        "reshape": _reshape(),
        "constant": _constant(),
    }
    for kind in (PlanOp.AVERAGE_POOL_2D, PlanOp.MAX_POOL_2D):
        plans[kind.name.lower()] = _pool(kind)
    for kind in (PlanOp.LOGISTIC, PlanOp.HARD_SWISH, PlanOp.QUANTIZE):
        plans[kind.name.lower()] = _lookup(kind)
    return plans


def arena_bytes_of(plan: bytes) -> int:
    """What the header of ``plan`` asks for."""
    return int(PLAN_HEADER.parse(plan).arena_bytes)
