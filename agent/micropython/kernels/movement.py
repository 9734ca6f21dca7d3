"""Kinds that move or translate bytes: lookups, PAD, CONCATENATION, TRANSPOSE, RESHAPE, CONSTANT."""

from jsp_protocol import (
    CONCATENATION_PARAMS,
    CONSTANT_PARAMS,
    E_PLAN_OP_RECORD,
    E_PLAN_PARAMETER,
    E_PLAN_SHAPE,
    LOOKUP_PARAMS,
    PAD_PARAMS,
    RESHAPE_PARAMS,
    TRANSPOSE_PARAMS,
)
from kernels.common import (
    Kernel,
    check_data,
    check_tensors,
    elements,
    is_int8,
    last_element,
    require,
)
from kernels.odometer import offsets

_TABLE_BYTES = 256


def _check_lookup(op, record):
    p = op.params
    check_tensors(op, record, 1, True)
    require(p.count == op.inputs[0].size_bytes == op.outputs[0].size_bytes, E_PLAN_SHAPE)
    check_data(op, p.table_offset, _TABLE_BYTES, 1)


def _run_lookup(op):
    start = op.params.table_offset
    table = op.plan[start : start + _TABLE_BYTES]
    source, output = op.input(0), op.output()
    for i in range(len(output)):
        output[i] = table[source[i]]


def _check_pad(op, record):
    p = op.params
    check_tensors(op, record, 1, False)
    require(is_int8(p.value), E_PLAN_PARAMETER)
    require(
        elements(p.dims) == op.inputs[0].size_bytes
        and elements(_padded(p)) == op.outputs[0].size_bytes,
        E_PLAN_SHAPE,
    )


def _padded(p):
    """The dimensions of the output."""
    return [sum(sizes) for sizes in zip(p.dims, p.before, p.after)]


def _run_pad(op):
    p = op.params
    source, output = op.input(0), op.output()
    strides = [1]
    for size in reversed(_padded(p)[1:]):
        strides.insert(0, strides[0] * size)
    for i in range(len(output)):
        output[i] = p.value & 0xFF
    first = sum(before * stride for before, stride in zip(p.before, strides))
    row_bytes = p.dims[-1]
    at = 0
    for offset in offsets(p.dims[:-1], strides[:-1]):
        output[first + offset : first + offset + row_bytes] = source[at : at + row_bytes]
        at += row_bytes


def _check_concatenation(op, record):
    outer = op.params.outer
    require(op.inputs, E_PLAN_OP_RECORD)
    check_tensors(op, record, len(op.inputs), False)
    require(outer, E_PLAN_PARAMETER)
    require(
        all(tensor.size_bytes % outer == 0 for tensor in op.inputs)
        and sum(tensor.size_bytes for tensor in op.inputs) == op.outputs[0].size_bytes,
        E_PLAN_SHAPE,
    )


def _run_concatenation(op):
    outer = op.params.outer
    output = op.output()
    to = 0
    for row in range(outer):
        for position in range(len(op.inputs)):
            source = op.input(position)
            count = len(source) // outer
            output[to : to + count] = source[row * count : (row + 1) * count]
            to += count


def _check_transpose(op, record):
    p = op.params
    check_tensors(op, record, 1, False)
    size = op.outputs[0].size_bytes
    require(
        op.inputs[0].size_bytes == size
        and elements(p.dims) == size
        and last_element(p.dims, p.input_strides) < size,
        E_PLAN_SHAPE,
    )


def _run_transpose(op):
    source, output = op.input(0), op.output()
    for to, offset in enumerate(offsets(op.params.dims, op.params.input_strides)):
        output[to] = source[offset]


def _check_reshape(op, record):
    check_tensors(op, record, 1, True)
    require(
        op.params.size_bytes == op.inputs[0].size_bytes == op.outputs[0].size_bytes, E_PLAN_SHAPE
    )


def _run_reshape(op):
    if not op.is_in_place:
        op.output()[:] = op.input(0)


def _check_constant(op, record):
    p = op.params
    check_tensors(op, record, 0, False)
    require(p.size_bytes == op.outputs[0].size_bytes, E_PLAN_SHAPE)
    check_data(op, p.data_offset, p.size_bytes, 1)


def _run_constant(op):
    p = op.params
    op.output()[:] = op.plan[p.data_offset : p.data_offset + p.size_bytes]


LOOKUP = Kernel(LOOKUP_PARAMS, _check_lookup, _run_lookup)
PAD = Kernel(PAD_PARAMS, _check_pad, _run_pad)
CONCATENATION = Kernel(CONCATENATION_PARAMS, _check_concatenation, _run_concatenation)
TRANSPOSE = Kernel(TRANSPOSE_PARAMS, _check_transpose, _run_transpose)
RESHAPE = Kernel(RESHAPE_PARAMS, _check_reshape, _run_reshape)
CONSTANT = Kernel(CONSTANT_PARAMS, _check_constant, _run_constant)
