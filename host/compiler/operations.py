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
class Operation:
    """One op of the plan; tensors are graph indices."""

    kind: PlanOp
    inputs: tuple[int, ...]
    output: int
    parameters: dict[str, Parameter]
    macs: int = 0
    scratch_grants_bytes: tuple[int, ...] = (0,)
    """Scratch sizes that a kernel makes use of, the fastest first."""
    in_place: tuple[int, ...] = ()
    """Inputs whose place the output may take."""
    in_place_scratch_bytes: int = 0
    """Least grant with which a kernel can work in place."""
    source_index: int | None = None
    name: str = ""

    def grants(self, in_place: bool) -> tuple[int, ...]:
        """Grants to choose from, the fastest first, the least last."""
        if not in_place:
            return self.scratch_grants_bytes
        least = self.in_place_scratch_bytes
        larger = [grant for grant in self.scratch_grants_bytes if grant > least]
        return (*larger, least)
