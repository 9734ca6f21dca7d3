"""Replays one sample op by op, to find the first op whose output is not the reference's.

Nothing is halved: a wrong layer may be hidden by a later one that saturates, so that only the
ops in their order tell which was first.
"""

from __future__ import annotations

from collections.abc import Sequence

import attrs
import numpy as np
from numpy.typing import NDArray

from hil.golden.result import DivergentOp
from host.compiler import CompiledPlan
from host.compiler.passes.cut_edges import cut_float_edges
from host.models.graph import Graph
from host.reference import reference_run
from host.session import Session
from protocol.messages import InputSource
from protocol.plan import PLAN_HEADER, PLAN_OP_HEADER, PLAN_TENSOR

Int8Array = NDArray[np.int8]


@attrs.frozen
class PlanTensor:
    """Where a tensor of the plan lies in the arena."""

    offset: int
    size_bytes: int


@attrs.frozen(eq=False)
class Layers:
    """``op`` is None where every op, run as the last one, is right. ``tensors`` are to be kept."""

    op: DivergentOp | None
    tensors: dict[str, Int8Array]
    replayed: int


class LayerReplay:
    """One plan that is loaded, and one sample."""

    def __init__(
        self, session: Session, plan: CompiledPlan, graph: Graph, inputs: Sequence[Int8Array]
    ) -> None:
        """``inputs``: of the plan's contract, without a dimension of samples.

        ``outputs`` are what the reference makes of them.

        Raises:
            ModelError: the reference cannot run the graph.
        """
        self._session = session
        self._plan = plan
        self._inputs = inputs
        values = reference_run(graph, inputs)
        self.outputs = tuple(values[index] for index in cut_float_edges(graph).outputs)
        self._expected: dict[int, Int8Array] = {}
        for index, place in plan.tensor_map.items():
            value = values.get(index, graph.tensors[index].data)
            if value is not None:
                self._expected[place.plan_tensor] = value.reshape(-1)
        self._tensors = _plan_tensors(plan.data)
        self._ops = _op_tensors(plan.data)

    def find(self) -> Layers:
        """The first op whose output differs, and whether the op or the arena is to blame.

        Raises:
            BoardError: code UNSUPPORTED where the board cannot stop after an op.
        """
        for index, (_, outputs) in enumerate(self._ops):
            self._run_to(index + 1)
            for tensor in outputs:
                found = self._read(tensor)
                if not self._is_right(tensor, found):
                    return self._blame(index, tensor, found)
        return Layers(None, {}, len(self._ops))

    def _blame(self, index: int, tensor: int, found: Int8Array) -> Layers:
        """An op that read what is right is wrong itself."""
        expected = self._expected[tensor]
        tensors = {"op_output_found": found, "op_output_expected": expected}
        self._run_to(index)
        overwritten_by = None
        wrong_inputs = []
        for number, operand in enumerate(self._ops[index][0]):
            read = self._read(operand)
            tensors[f"op_input_{number}_found"] = read
            tensors[f"op_input_{number}_expected"] = self._expected[operand]
            if not self._is_right(operand, read):
                wrong_inputs.append(operand)
        if wrong_inputs:
            overwritten_by = self._overwriter(index, wrong_inputs[0])
        planned = self._plan.ops[index]
        different = np.flatnonzero(found != expected)
        first = int(different[0])
        op = DivergentOp(
            index=index,
            kind=planned.kind.name,
            name=planned.source_name,
            different=len(different),
            elements=len(expected),
            first_element=first,
            found=int(found[first]),
            expected=int(expected[first]),
            cause="arena" if wrong_inputs else "operator",
            overwritten_by=overwritten_by,
        )
        return Layers(op, tensors, index + 1)

    def _overwriter(self, reader: int, tensor: int) -> int | None:
        """The op that spoiled ``tensor`` between the one that wrote it and ``reader``."""
        writers = [index for index, (_, outputs) in enumerate(self._ops) if tensor in outputs]
        start = max((index for index in writers if index < reader), default=-1) + 1
        for index in range(start, reader):
            self._run_to(index + 1)
            if not self._is_right(tensor, self._read(tensor)):
                return index
        return None

    def _run_to(self, op_limit: int) -> None:
        for index, array in enumerate(self._inputs):
            self._session.send_input(index, array.tobytes())
        self._session.run(1, macs=self._plan.macs, source=InputSource.SENT, op_limit=op_limit)

    def _read(self, tensor: int) -> Int8Array:
        place = self._tensors[tensor]
        data = self._session.read_arena(place.offset, place.size_bytes)
        return np.frombuffer(data, np.int8)

    def _is_right(self, tensor: int, found: Int8Array) -> bool:
        return bool(np.array_equal(found, self._expected[tensor]))


def _plan_tensors(plan: bytes) -> list[PlanTensor]:
    header = PLAN_HEADER.parse(plan)
    record_bytes = PLAN_TENSOR.sizeof()
    records = [
        PLAN_TENSOR.parse(plan[header.tensors_offset + number * record_bytes :])
        for number in range(header.tensor_count)
    ]
    return [PlanTensor(record.arena_offset, record.size_bytes) for record in records]


def _op_tensors(plan: bytes) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
    """Plan tensors that each op reads, and those that it writes."""
    header = PLAN_HEADER.parse(plan)
    offset, found = header.ops_offset, []
    for _ in range(header.op_count):
        op = PLAN_OP_HEADER.parse(plan[offset:])
        indices = np.frombuffer(
            plan, "<u2", op.input_count + op.output_count, offset + PLAN_OP_HEADER.sizeof()
        ).tolist()
        found.append((tuple(indices[: op.input_count]), tuple(indices[op.input_count :])))
        offset += op.record_bytes
    return found
