"""Ops in the plan's terms, before offsets are known."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np
from numpy.typing import NDArray

from protocol.plan import PlanOp


@attrs.frozen
class Blob:
    """Constant bytes of an op; a parameter that holds one becomes its offset in the plan."""

    data: bytes
    alignment_bytes: int

    @classmethod
    def of(cls, values: NDArray[Any], alignment_bytes: int | None = None) -> Blob:
        """``values`` in little-endian order, aligned to their element size by default."""
        little_endian = np.ascontiguousarray(values, dtype=values.dtype.newbyteorder("<"))
        return cls(little_endian.tobytes(), alignment_bytes or values.dtype.itemsize)


Parameter = int | list[int] | Blob


@attrs.frozen
class Scratch:
    """What a kernel makes use of beside its tensors, in bytes."""

    grants_bytes: tuple[int, ...] = (0,)
    """To choose from: the fastest first, the least with which it works last."""
    spare_bytes: int = 0
    """A little faster than all of those; not worth a larger arena."""

    def descending(self) -> tuple[int, ...]:
        """Every size worth trying, the largest first."""
        return tuple(sorted({self.spare_bytes, *self.grants_bytes}, reverse=True))


@attrs.frozen
class Operation:
    """One op of the plan; tensors are graph indices."""

    kind: PlanOp
    inputs: tuple[int, ...]
    output: int
    parameters: dict[str, Parameter]
    macs: int = 0
    scratch: Scratch = Scratch()
    in_place: tuple[int, ...] = ()
    """Inputs whose place the output may take."""
    in_place_scratch: Scratch = Scratch()
    """The same where it does."""
    source_index: int | None = None
    name: str = ""

    def scratch_for(self, in_place: bool) -> Scratch:
        return self.in_place_scratch if in_place else self.scratch
