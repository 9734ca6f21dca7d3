"""What is checked of a plan before any op: header, tables, tensors, contract.

In the order of the C runtime (firmware/runtime/check_plan.c), so that both name the same fault.
"""

from binascii import crc32
from struct import unpack_from

from jsp_protocol import (
    DTYPE_FLOAT32,
    DTYPE_INT4,
    DTYPE_INT8,
    DTYPE_INT16,
    DTYPE_INT32,
    E_ARENA_TOO_SMALL,
    E_PLAN_ALIGNMENT,
    E_PLAN_CHECKSUM,
    E_PLAN_LAYOUT,
    E_PLAN_MAGIC,
    E_PLAN_SIZE,
    E_PLAN_TABLE,
    E_PLAN_TENSOR,
    E_PLAN_VERSION,
    LAYOUT_ROWS4,
    MAX_RANK,
    NO_INDEX,
    PLAN_CRC_FROM,
    PLAN_HEADER,
    PLAN_IO,
    PLAN_MAGIC,
    PLAN_TENSOR,
    PLAN_VERSION_MAJOR,
    PLAN_VERSION_MINOR,
)
from refusal import Refusal

_TABLE_ALIGNMENT = 4
_DIMENSION_BYTES = 4
_ELEMENT_BYTES = {DTYPE_INT8: 1, DTYPE_INT16: 2, DTYPE_INT32: 4, DTYPE_FLOAT32: 4}


def check_container(plan, arena_bytes):
    """The header of ``plan`` (a memoryview of its bytes) once all of that holds, else a Refusal."""
    header = _checked_header(plan, arena_bytes)
    _check_tables(header)
    for index in range(header.tensor_count):
        tensor = PLAN_TENSOR.read(plan, header.tensors_offset + index * PLAN_TENSOR.size)
        _check_tensor(plan, header, tensor, index)
    for position in range(header.input_count + header.output_count):
        io = PLAN_IO.read(plan, header.io_offset + position * PLAN_IO.size)
        if io.tensor >= header.tensor_count:
            raise Refusal(E_PLAN_TENSOR, io.tensor)
        if io.name_offset + io.name_bytes > header.total_bytes:
            raise Refusal(E_PLAN_TABLE, io.tensor)
    return header


def _checked_header(plan, arena_bytes):
    if len(plan) < PLAN_HEADER.size:
        raise Refusal(E_PLAN_SIZE, needed=PLAN_HEADER.size, available=len(plan))
    header = PLAN_HEADER.read(plan)
    if header.magic != PLAN_MAGIC:
        raise Refusal(E_PLAN_MAGIC)
    if header.version_major != PLAN_VERSION_MAJOR or header.version_minor > PLAN_VERSION_MINOR:
        raise Refusal(E_PLAN_VERSION)
    if header.total_bytes != len(plan) or header.header_bytes < PLAN_HEADER.size:
        raise Refusal(E_PLAN_SIZE, needed=header.total_bytes, available=len(plan))
    if crc32(plan[PLAN_CRC_FROM:]) != header.crc32:
        raise Refusal(E_PLAN_CHECKSUM)
    if header.arena_bytes > arena_bytes:
        raise Refusal(E_ARENA_TOO_SMALL, needed=header.arena_bytes, available=arena_bytes)
    if header.weight_layout != LAYOUT_ROWS4:
        raise Refusal(E_PLAN_LAYOUT)
    return header


def _check_table(header, offset, count, record_bytes, index=NO_INDEX):
    if offset % _TABLE_ALIGNMENT:
        raise Refusal(E_PLAN_ALIGNMENT, index)
    if offset + count * record_bytes > header.total_bytes:
        raise Refusal(E_PLAN_TABLE, index)


def _check_tables(header):
    if header.persistent_bytes > header.arena_bytes:
        raise Refusal(E_PLAN_TENSOR)
    _check_table(header, header.tensors_offset, header.tensor_count, PLAN_TENSOR.size)
    _check_table(header, header.ops_offset, header.ops_bytes, 1)
    records = header.input_count + header.output_count
    _check_table(header, header.io_offset, records, PLAN_IO.size)
    if header.strings_offset + header.strings_bytes > header.total_bytes:
        raise Refusal(E_PLAN_TABLE)


def _tensor_bytes(dtype, elements):
    """Bytes of so many elements; 0 for a type that is not known."""
    if dtype == DTYPE_INT4:
        return (elements + 1) // 2
    return elements * _ELEMENT_BYTES.get(dtype, 0)


def _check_tensor(plan, header, tensor, index):
    if tensor.rank > MAX_RANK:
        raise Refusal(E_PLAN_TENSOR, index)
    _check_table(header, tensor.shape_offset, tensor.rank, _DIMENSION_BYTES, index)
    if tensor.arena_offset % _TABLE_ALIGNMENT:
        raise Refusal(E_PLAN_ALIGNMENT, index)
    elements = 1
    for axis in range(tensor.rank):
        elements *= unpack_from("<L", plan, tensor.shape_offset + _DIMENSION_BYTES * axis)[0]
    if tensor.size_bytes == 0 or tensor.size_bytes != _tensor_bytes(tensor.dtype, elements):
        raise Refusal(E_PLAN_TENSOR, index)
    end = tensor.arena_offset + tensor.size_bytes
    if end > header.arena_bytes:
        raise Refusal(
            E_PLAN_TENSOR, index, needed=min(end, 0xFFFFFFFF), available=header.arena_bytes
        )
