"""The plan container: what a board loads instead of a model file.

A plan is one block of bytes, little-endian, every field naturally aligned so
that a runtime reads it in place::

    header | tensors | ops | input/output contract | strings | data

``data`` holds shapes, weights, biases, multipliers and tables; records name
them by their offset from the start of the plan. Every offset named
``*_offset`` counts from there, except a tensor's and a scratch's, which count
from the start of the arena. The block begins at an address divisible by 16,
as does the arena.
"""

from __future__ import annotations

import zlib
from enum import IntEnum, IntFlag

from construct import (
    Array,
    Default,
    Float32l,
    Int8sl,
    Int8ul,
    Int16sl,
    Int16ul,
    Int32sl,
    Int32ul,
    Struct,
)

MAGIC = int.from_bytes(b"JPLN", "little")
VERSION_MAJOR = 1
VERSION_MINOR = 0
ALIGNMENT_BYTES = 16
CRC_FROM = 16
"""The CRC-32 in the header covers the plan from this byte to its end."""
MAX_RANK = 6
MAX_OP_TENSORS = 16
"""Inputs and outputs of one op together."""


class PlanDType(IntEnum):
    """Element types; a runtime refuses by code what it lacks."""

    INT4 = 1
    INT8 = 2
    INT16 = 3
    INT32 = 4
    FLOAT32 = 5


class PlanOp(IntEnum):
    """Op kinds. The numbers are also the bits of the OP_SET capability."""

    CONV_2D = 1
    DEPTHWISE_CONV_2D = 2
    FULLY_CONNECTED = 3
    ADD = 4
    MUL = 5
    AVERAGE_POOL_2D = 6
    MAX_POOL_2D = 7
    SOFTMAX = 8
    LOGISTIC = 9
    HARD_SWISH = 10
    PAD = 11
    MEAN = 12
    CONCATENATION = 13
    TRANSPOSE = 14
    QUANTIZE = 15
    RESHAPE = 16
    CONSTANT = 17
    """Copies a constant operand from the plan into the arena; no input, one output."""
    CONV_2D_INT4 = 18
    """CONV_2D with weights packed two a byte; the arithmetic is CONV_2D's."""
    FULLY_CONNECTED_INT4 = 19
    """FULLY_CONNECTED with weights packed two a byte."""


class TensorFlag(IntFlag):
    INPUT = 1
    OUTPUT = 2
    PERSISTENT = 4
    """Keeps its bytes between runs (reserved: no op of version 1.0 has one)."""


class PlanFlag(IntFlag):
    INPUTS_OVERWRITTEN = 1
    """The run reuses an input's arena bytes: inputs are drawn or sent anew each time."""


class WeightLayout(IntEnum):
    ROWS4 = 1
    """A row an output channel, int8, zero padded to a multiple of 4 bytes; rows follow
    each other. CONV_2D: KH, KW, Cin/groups; FULLY_CONNECTED: inputs; DEPTHWISE_CONV_2D:
    KH, KW of that one channel (channel-major, unlike TensorFlow Lite). The first row
    begins at an offset divisible by 8.

    CONV_2D_INT4 and FULLY_CONNECTED_INT4: the same rows, but eight weights w0 to w7 a word
    of 32 bits, each as w + 8; from the lowest four bits up w0, w1, w4, w5, w2, w3, w6, w7.
    The last word of a row is filled up with weights of 0."""


class Meaning(IntEnum):
    """What an input or output is to its user."""

    GENERIC = 0


PLAN_HEADER = Struct(
    "magic" / Int32ul,
    "version_major" / Int8ul,
    "version_minor" / Int8ul,
    "header_bytes" / Int16ul,
    "total_bytes" / Int32ul,
    "crc32" / Int32ul * "over the plan from byte 16 to its end",
    "arena_bytes" / Int32ul * "every tensor and all scratch",
    "persistent_bytes" / Int32ul * "first bytes of the arena that keep between runs",
    "tensor_count" / Int16ul,
    "op_count" / Int16ul,
    "input_count" / Int16ul,
    "output_count" / Int16ul,
    "tensors_offset" / Int32ul,
    "ops_offset" / Int32ul,
    "ops_bytes" / Int32ul,
    "io_offset" / Int32ul * "input records, then output records",
    "strings_offset" / Int32ul,
    "strings_bytes" / Int32ul,
    "flags" / Int16ul,
    "weight_layout" / Int8ul,
    "reserved" / Default(Int8ul, 0),
    "macs" / Int32ul * "multiply-accumulates of one run, saturated at 2^32 - 1",
)
SELF_TEST_MAGIC = int.from_bytes(b"JTST", "little")
PLAN_SELF_TEST = Struct(
    "magic" / Int32ul,
    "plan_crc32" / Int32ul * "as in the header of the plan before it",
    "seed" / Int32ul * "draws the inputs",
    "output_crc32" / Int32ul * "over all outputs, in order",
)
PLAN_TENSOR = Struct(
    "dtype" / Int8ul,
    "flags" / Int8ul,
    "rank" / Int8ul,
    "reserved" / Default(Int8ul, 0),
    "arena_offset" / Int32ul,
    "size_bytes" / Int32ul,
    "shape_offset" / Int32ul * "uint32_t[rank] in the data",
)
PLAN_IO = Struct(
    "tensor" / Int16ul,
    "meaning" / Int8ul,
    "reserved" / Default(Int8ul, 0),
    "name_offset" / Int32ul * "UTF-8 in the strings",
    "name_bytes" / Int32ul,
    "scale" / Float32l,
    "zero_point" / Int32sl,
)
PLAN_OP_HEADER = Struct(
    "kind" / Int8ul,
    "input_count" / Int8ul,
    "output_count" / Int8ul,
    "reserved" / Default(Int8ul, 0),
    "record_bytes" / Int16ul * "this header, tensor indices (uint16_t, padded to 4), parameters",
    "params_offset" / Int16ul * "from the start of the record",
    "scratch_offset" / Int32ul * "in the arena, divisible by 16",
    "scratch_bytes" / Int32ul * "granted; a kernel takes the fastest way that fits",
)

CONV_PARAMS = Struct(
    "batch" / Int16ul,
    "input_h" / Int16ul,
    "input_w" / Int16ul,
    "input_c" / Int16ul,
    "output_h" / Int16ul,
    "output_w" / Int16ul,
    "output_c" / Int16ul,
    "kernel_h" / Int16ul,
    "kernel_w" / Int16ul,
    "groups" / Int16ul * "input_c for DEPTHWISE_CONV_2D",
    "stride_h" / Int16ul,
    "stride_w" / Int16ul,
    "dilation_h" / Int16ul,
    "dilation_w" / Int16ul,
    "pad_top" / Int16sl,
    "pad_left" / Int16sl,
    "pad_value" / Int32sl * "the input's zero point",
    "output_zero_point" / Int32sl,
    "activation_min" / Int32sl,
    "activation_max" / Int32sl,
    "weights_offset" / Int32ul,
    "bias_offset" / Int32ul * "int32_t[output_c], input zero point folded in",
    "multipliers_offset" / Int32ul * "int32_t[output_c], Q31",
    "shifts_offset" / Int32ul * "int8_t[output_c], positive is left",
)
FULLY_CONNECTED_PARAMS = Struct(
    "batch" / Int32ul,
    "inputs" / Int32ul,
    "outputs" / Int32ul,
    "output_zero_point" / Int32sl,
    "activation_min" / Int32sl,
    "activation_max" / Int32sl,
    "weights_offset" / Int32ul,
    "bias_offset" / Int32ul * "int32_t[outputs], input zero point folded in",
    "multipliers_offset" / Int32ul * "int32_t[channels], Q31",
    "shifts_offset" / Int32ul * "int8_t[channels], positive is left",
    "channels" / Int32ul * "outputs, or 1 where all share a multiplier",
)
ELEMENTWISE_PARAMS = Struct(
    "input1_offset" / Int32sl * "minus the zero point",
    "input2_offset" / Int32sl,
    "output_offset" / Int32sl,
    "input1_multiplier" / Int32sl * "ADD only",
    "input2_multiplier" / Int32sl * "ADD only",
    "output_multiplier" / Int32sl,
    "input1_shift" / Int8sl,
    "input2_shift" / Int8sl,
    "output_shift" / Int8sl,
    "left_shift" / Int8sl * "ADD only",
    "activation_min" / Int32sl,
    "activation_max" / Int32sl,
    "dims" / Array(4, Int32ul) * "of the output, outermost first",
    "input1_strides" / Array(4, Int32ul) * "elements; 0 repeats (broadcast)",
    "input2_strides" / Array(4, Int32ul),
)
POOL_PARAMS = Struct(
    "batch" / Int16ul,
    "input_h" / Int16ul,
    "input_w" / Int16ul,
    "channels" / Int16ul,
    "output_h" / Int16ul,
    "output_w" / Int16ul,
    "window_h" / Int16ul,
    "window_w" / Int16ul,
    "stride_h" / Int16ul,
    "stride_w" / Int16ul,
    "pad_top" / Int16sl,
    "pad_left" / Int16sl,
    "activation_min" / Int32sl,
    "activation_max" / Int32sl,
)
SOFTMAX_PARAMS = Struct(
    "rows" / Int32ul,
    "depth" / Int32ul,
    "table_entries" / Int32ul * "1 to 256: larger differences from the row's maximum give 0",
    "table_offset" / Int32ul * "int32_t[entries]: exp(-scale * beta * difference) in Q0.31",
)
LOOKUP_PARAMS = Struct(
    "count" / Int32ul,
    "table_offset" / Int32ul * "int8_t[256], by the input's byte as uint8_t",
)
PAD_PARAMS = Struct(
    "dims" / Array(MAX_RANK, Int32ul) * "of the input, outermost first, leading ones",
    "before" / Array(MAX_RANK, Int32ul),
    "after" / Array(MAX_RANK, Int32ul),
    "value" / Int32sl,
)
MEAN_PARAMS = Struct(
    "kept_dims" / Array(MAX_RANK, Int32ul) * "of the output, outermost first, leading ones",
    "kept_strides" / Array(MAX_RANK, Int32ul) * "elements of the input",
    "reduced_dims" / Array(MAX_RANK, Int32ul) * "leading ones",
    "reduced_strides" / Array(MAX_RANK, Int32ul),
    "input_zero_point" / Int32sl,
    "output_zero_point" / Int32sl,
    "multiplier" / Int32sl * "Q31, division by the count folded in",
    "shift" / Int32sl,
)
CONCATENATION_PARAMS = Struct(
    "outer" / Int32ul * "rows; an input's row is its size divided by this",
)
TRANSPOSE_PARAMS = Struct(
    "dims" / Array(MAX_RANK, Int32ul) * "of the output, outermost first, leading ones",
    "input_strides" / Array(MAX_RANK, Int32ul) * "elements",
)
RESHAPE_PARAMS = Struct("size_bytes" / Int32ul)
CONSTANT_PARAMS = Struct(
    "size_bytes" / Int32ul,
    "data_offset" / Int32ul * "the output's bytes",
)

PARAMS: dict[PlanOp, Struct] = {
    PlanOp.CONV_2D: CONV_PARAMS,
    PlanOp.DEPTHWISE_CONV_2D: CONV_PARAMS,
    PlanOp.FULLY_CONNECTED: FULLY_CONNECTED_PARAMS,
    PlanOp.ADD: ELEMENTWISE_PARAMS,
    PlanOp.MUL: ELEMENTWISE_PARAMS,
    PlanOp.AVERAGE_POOL_2D: POOL_PARAMS,
    PlanOp.MAX_POOL_2D: POOL_PARAMS,
    PlanOp.SOFTMAX: SOFTMAX_PARAMS,
    PlanOp.LOGISTIC: LOOKUP_PARAMS,
    PlanOp.HARD_SWISH: LOOKUP_PARAMS,
    PlanOp.QUANTIZE: LOOKUP_PARAMS,
    PlanOp.PAD: PAD_PARAMS,
    PlanOp.MEAN: MEAN_PARAMS,
    PlanOp.CONCATENATION: CONCATENATION_PARAMS,
    PlanOp.TRANSPOSE: TRANSPOSE_PARAMS,
    PlanOp.RESHAPE: RESHAPE_PARAMS,
    PlanOp.CONSTANT: CONSTANT_PARAMS,
    PlanOp.CONV_2D_INT4: CONV_PARAMS,
    PlanOp.FULLY_CONNECTED_INT4: FULLY_CONNECTED_PARAMS,
}

PACKED_KINDS: dict[PlanOp, PlanOp] = {
    PlanOp.CONV_2D: PlanOp.CONV_2D_INT4,
    PlanOp.FULLY_CONNECTED: PlanOp.FULLY_CONNECTED_INT4,
}
"""The kind that does the same with int4 weights."""


def plan_crc32(plan: bytes) -> int:
    """The checksum that the header of ``plan`` must hold."""
    return zlib.crc32(plan[CRC_FROM:])
