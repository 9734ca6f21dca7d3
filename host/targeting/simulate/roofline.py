"""The roofline: no op is done before its bytes are moved, nor before its operations are.

S. Williams, A. Waterman, D. Patterson: Roofline, Communications of the ACM 52 (2009) 4.
"""

from __future__ import annotations

from enum import StrEnum

import attrs


class Bound(StrEnum):
    """What an op waits for."""

    MEMORY = "memory"
    COMPUTE = "compute"


@attrs.frozen(kw_only=True)
class Roof:
    """What a core sustains. Operations count a multiply-accumulate as two.

    ``flash_bytes_per_s`` is for data read once from where the plan lies, None where that is the
    memory that everything else is in.
    """

    ops_per_s: float
    memory_bytes_per_s: float
    flash_bytes_per_s: float | None = None

    @property
    def critical_intensity(self) -> float:
        """Operations a byte from which on compute binds."""
        return self.ops_per_s / self.memory_bytes_per_s

    def scaled(self, clock: float, bandwidth: float) -> Roof:
        """In a power mode that scales clock and bandwidth."""
        flash = self.flash_bytes_per_s
        return Roof(
            ops_per_s=self.ops_per_s * clock,
            memory_bytes_per_s=self.memory_bytes_per_s * bandwidth,
            flash_bytes_per_s=None if flash is None else flash * bandwidth,
        )


@attrs.frozen(kw_only=True)
class Demand:
    """What an op needs: operations, bytes of RAM traffic and bytes of constants."""

    ops: float
    memory_bytes: float
    constant_bytes: float = 0.0

    @property
    def bytes(self) -> float:
        return self.memory_bytes + self.constant_bytes

    @property
    def intensity(self) -> float:
        """Operations a byte."""
        return self.ops / self.bytes if self.bytes else float("inf")


@attrs.frozen(kw_only=True)
class Projection:
    """Seconds of an op, and what they are made of."""

    memory_s: float
    compute_s: float

    @property
    def seconds(self) -> float:
        return max(self.memory_s, self.compute_s)

    @property
    def bound(self) -> Bound:
        """Memory only where its time is strictly the larger."""
        return Bound.MEMORY if self.memory_s > self.compute_s else Bound.COMPUTE


def project(demand: Demand, roof: Roof) -> Projection:
    """The least time that ``demand`` takes under ``roof``."""
    flash = roof.flash_bytes_per_s or roof.memory_bytes_per_s
    return Projection(
        memory_s=demand.memory_bytes / roof.memory_bytes_per_s + demand.constant_bytes / flash,
        compute_s=demand.ops / roof.ops_per_s,
    )


def matrix_vector(rows: int, columns: int, weight_bytes: int, vector_bytes: int) -> Demand:
    """A product of a matrix [rows, columns] and a vector (GEMV).

    Args:
        weight_bytes: of an element of the matrix and of the vector it is multiplied by.
        vector_bytes: of an element of the result.
    """
    return Demand(
        ops=2.0 * rows * columns,
        memory_bytes=columns * weight_bytes + rows * vector_bytes,
        constant_bytes=rows * columns * weight_bytes,
    )
