"""What the replay of a golden set on a board came to."""

from __future__ import annotations

from typing import Any

import attrs

from host.errors import ExitCode
from protocol.measurement import Board, Evidence

SCHEMA = "replay/1"
TOP_FAILURES = 10


@attrs.frozen(kw_only=True)
class SampleFailure:
    """One sample that is not as the set has it. ``what`` are words of :data:`KINDS`.

    ``reason`` is one sentence; ``tensors`` the file with what was read back, where one was
    written.
    """

    sample: int
    sha256: str
    what: tuple[str, ...]
    reason: str
    tensors: str | None = None


KINDS = ("input", "output", "tolerance", "decision", "reject")


@attrs.frozen(kw_only=True)
class DivergentOp:
    """The first op of the plan whose output is not the reference's, layer by layer.

    ``cause``: ``operator`` where what it read was right, ``arena`` where an op after the one that
    wrote it had overwritten it; ``overwritten_by`` is then that op.
    """

    index: int
    kind: str
    name: str
    different: int
    elements: int
    first_element: int
    found: int
    expected: int
    cause: str
    overwritten_by: int | None = None

    @property
    def title(self) -> str:
        return f"op {self.index} {self.kind}" + (f" ({self.name})" if self.name else "")


@attrs.frozen(kw_only=True)
class Triage:
    """From the outside in: digest, logits, layers, operator or arena; a line each.

    ``op`` is None where the layers were not replayed, or none of them differs.
    """

    sample: int
    lines: tuple[str, ...]
    op: DivergentOp | None = None


@attrs.frozen(kw_only=True)
class Timing:
    """One run a sample, in milliseconds of the board's own clock."""

    median: float
    max: float
    max_sample: int
    budget_ms: float | None = None

    @property
    def met(self) -> bool:
        """Judged on the slowest; without a budget there is nothing to miss."""
        return self.budget_ms is None or self.max <= self.budget_ms


@attrs.frozen(kw_only=True)
class ReplayResult:
    """A golden set on one board.

    Attributes:
        golden_sha256: the digest of the set's manifest.
        is_bit_exact: the board's outputs have to equal the references'; an engine with its own
            arithmetic is judged by tolerance, decisions and rejects alone.
        output_mismatches: samples whose outputs differ from the quantized reference in any bit.
        tolerance_violations: samples out of tolerance against the float reference, those of the
            quantized reference itself among them; None without a float reference.
        reference_violations: of the quantized reference itself; they are not the board's doing.
        new_violations: the board's, where the quantized reference is within.
        decision_mismatches: another class than the quantized reference's; of values, those out of
            tolerance against it.
        failures: the first :data:`TOP_FAILURES` samples that failed, in order.
    """

    golden: str
    golden_sha256: str
    model: str
    model_sha256: str
    precision: str
    board: Board
    evidence: Evidence
    samples: int
    is_bit_exact: bool
    input_mismatches: int
    output_mismatches: int
    tolerance_violations: int | None
    reference_violations: int | None
    new_violations: int
    decision_mismatches: int
    reject_mismatches: int
    failed_samples: int
    failures: tuple[SampleFailure, ...]
    triage: Triage | None
    timing: Timing
    notes: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether every sample is as the set has it; the budget is apart."""
        return self.failed_samples == 0

    @property
    def exit_code(self) -> ExitCode:
        """A wrong output weighs more than a missed budget."""
        if not self.passed:
            return ExitCode.MISMATCH
        return ExitCode.DONE if self.timing.met else ExitCode.NOT_MET

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "schema": SCHEMA,
            "verdict": "as the set has it" if self.passed else "mismatch",
            "exit_code": int(self.exit_code),
            **attrs.asdict(self),
        }
