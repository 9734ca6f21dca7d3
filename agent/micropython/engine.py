"""Runs a plan: the Python twin of firmware/runtime, one op after the other."""

from struct import unpack_from

from jsp_protocol import (
    E_PLAN_ALIGNMENT,
    E_PLAN_OP_KIND,
    E_PLAN_OP_RECORD,
    E_PLAN_SCRATCH,
    MAX_OP_TENSORS,
    PLAN_ALIGNMENT,
    PLAN_IO,
    PLAN_OP,
    PLAN_TENSOR,
)
from kernels import KERNELS
from plan_check import check_container
from refusal import Refusal

VERSION = "0.1.0"
_INDEX_BYTES = 2


class Op:
    """One op, resolved: what a kernel works with."""

    def __init__(self, plan, arena, kind, params, tensors, input_count, scratch_bytes):
        self.plan = plan
        self.kind = kind
        self.params = params
        self.inputs = tensors[:input_count]
        self.outputs = tensors[input_count:]
        self.scratch_bytes = scratch_bytes
        self._arena = arena

    def input(self, position):
        """The bytes of an input, as a memoryview."""
        return self._bytes_of(self.inputs[position])

    def output(self):
        """The bytes of the output, as a memoryview."""
        return self._bytes_of(self.outputs[0])

    @property
    def is_in_place(self):
        return self.inputs[0].arena_offset == self.outputs[0].arena_offset

    def _bytes_of(self, tensor):
        return self._arena[tensor.arena_offset : tensor.arena_offset + tensor.size_bytes]


class Engine:
    """A plan that was checked as a whole, in its arena."""

    def __init__(self, plan, arena):
        """``plan`` and ``arena`` are memoryviews. Raises Refusal with the first thing wrong."""
        self.plan = plan
        self.header = check_container(plan, len(arena))
        self.arena = arena[: self.header.arena_bytes]
        offset = 0
        for index in range(self.header.op_count):
            try:
                offset += self._check_op(offset)
            except Refusal as refusal:
                refusal.index = index
                raise

    def _check_op(self, offset):
        """Checks the op whose record is ``offset`` bytes into the table; the record's length."""
        header = self.header
        available = header.ops_bytes - offset
        if available < PLAN_OP.size:
            raise Refusal(E_PLAN_OP_RECORD)
        position = header.ops_offset + offset
        record = PLAN_OP.read(self.plan, position)
        if record.record_bytes > available or record.record_bytes % 4 or record.params_offset % 4:
            raise Refusal(E_PLAN_OP_RECORD)
        kernel = KERNELS.get(record.kind)
        if kernel is None:
            raise Refusal(E_PLAN_OP_KIND)
        count = record.input_count + record.output_count
        if (
            count > MAX_OP_TENSORS
            or record.params_offset < PLAN_OP.size + count * _INDEX_BYTES
            or record.params_offset + kernel.params.size > record.record_bytes
        ):
            raise Refusal(E_PLAN_OP_RECORD)
        if any(index >= header.tensor_count for index in self._tensor_indices(position, count)):
            raise Refusal(E_PLAN_OP_RECORD)
        if record.scratch_bytes:
            if record.scratch_offset % PLAN_ALIGNMENT:
                raise Refusal(E_PLAN_ALIGNMENT)
            end = record.scratch_offset + record.scratch_bytes
            if end > header.arena_bytes:
                raise Refusal(
                    E_PLAN_SCRATCH, needed=min(end, 0xFFFFFFFF), available=header.arena_bytes
                )
        kernel.check(self._op(position, record), record)
        return record.record_bytes

    def _tensor_indices(self, position, count):
        return unpack_from(f"<{count}H", self.plan, position + PLAN_OP.size)

    def _tensor(self, index):
        return PLAN_TENSOR.read(self.plan, self.header.tensors_offset + index * PLAN_TENSOR.size)

    def _op(self, position, record):
        count = record.input_count + record.output_count
        return Op(
            self.plan,
            self.arena,
            record.kind,
            KERNELS[record.kind].params.read(self.plan, position + record.params_offset),
            [self._tensor(index) for index in self._tensor_indices(position, count)],
            record.input_count,
            record.scratch_bytes,
        )

    def run(self, op_limit, after_op):
        """Runs the first ``op_limit`` ops and calls ``after_op(index)`` behind each."""
        position = self.header.ops_offset
        for index in range(min(op_limit, self.header.op_count)):
            record = PLAN_OP.read(self.plan, position)
            KERNELS[record.kind].run(self._op(position, record))
            after_op(index)
            position += record.record_bytes

    def _contract_tensor(self, position):
        io = PLAN_IO.read(self.plan, self.header.io_offset + position * PLAN_IO.size)
        return self._tensor(io.tensor)

    def _contract_bytes(self, position):
        tensor = self._contract_tensor(position)
        return self.arena[tensor.arena_offset : tensor.arena_offset + tensor.size_bytes]

    def input(self, index):
        """The bytes of input ``index`` in the arena; None without such an input."""
        return self._contract_bytes(index) if index < self.header.input_count else None

    def input_dtype(self, index):
        return self._contract_tensor(index).dtype

    def output(self, index):
        """The bytes of output ``index`` in the arena; None without such an output."""
        if index >= self.header.output_count:
            return None
        return self._contract_bytes(self.header.input_count + index)
