"""Golden sets and their replays, for people."""

from __future__ import annotations

from hil.golden.decisions import DecisionKind
from hil.golden.golden_set import GoldenSet
from hil.golden.result import ReplayResult, SampleFailure, Timing
from host.measurement.evidence import evidence_label
from protocol.measurement import Fidelity

_HEX_DIGITS = 12
"""Of a digest, where people only tell one from another."""


def set_text(golden: GoldenSet) -> str:
    """What a set holds."""
    contract = golden.input_contracts[0]
    decisions, of_float = golden.decisions, golden.float_decisions
    reference = golden.float_reference
    lines = [
        f"Golden set {golden.name}: {len(golden)} samples of {golden.data}",
        f"  Model         {golden.model.name} (SHA-256 {golden.model.sha256[:_HEX_DIGITS]}...)",
        f"  Manifest      SHA-256 {golden.sha256[:_HEX_DIGITS]}...",
        f"  Input         {contract.name} {list(contract.shape)} {contract.dtype}",
        f"  References    {golden.arithmetic} ({golden.source})"
        + (
            "; no float model"
            if reference is None
            else f"; {reference.model.name} ({reference.engine})"
        ),
        f"  Tolerance     {golden.tolerance.absolute:.4g} mean absolute difference"
        + _own_violations(golden),
    ]
    if golden.rule.kind is DecisionKind.VALUE:
        return "\n".join([*lines, "  Decision      the value, within the tolerance"]) + "\n"
    assert decisions.classes is not None
    lines.append(f"  Decision      top-1 of {golden.output_contracts[0].size_bytes} classes")
    if of_float is not None and of_float.classes is not None:
        changed = int((decisions.classes != of_float.classes).sum())
        lines[-1] += f"; quantization changed {changed} of {len(golden)}"
    threshold, rejected = golden.rule.reject_threshold, int(decisions.rejected.sum())
    lines.append(
        "  Reject        none"
        if threshold is None
        else f"  Reject        a score under {threshold:g}: {rejected} of {len(golden)}"
    )
    return "\n".join(lines) + "\n"


def _own_violations(golden: GoldenSet) -> str:
    beyond = golden.reference_violations
    if beyond is None:
        return ""
    return f"; {int(beyond.sum())} quantized references are out of it"


def replay_text(result: ReplayResult) -> str:
    """The report of one replay."""
    lines = [
        f"Replay: {headline(result)}",
        "",
        "Build | Model | Runtime",
        f"  {result.board.build or 'unknown'} | {result.model} ({result.precision}, SHA-256 "
        f"{result.model_sha256[:_HEX_DIGITS]}...) | {result.board.id}: {result.board.engine} "
        f"({evidence_label(result)})",
        "",
        f"Samples                   {result.samples} of {result.golden} "
        f"(SHA-256 {result.golden_sha256[:_HEX_DIGITS]}...)",
        f"Input-digest mismatches   {result.input_mismatches}",
        f"Output mismatches         {result.output_mismatches}"
        + ("" if result.is_bit_exact else " (not binding: an arithmetic of its own)"),
        f"Tolerance violations      {_violations(result)}",
        f"Decision mismatches       {result.decision_mismatches}",
        f"Reject mismatches         {result.reject_mismatches}",
        f"Timing, slowest sample    {timing_text(result)}",
    ]
    if result.failures:
        lines += ["", "Top failures"]
        lines += [f"  {line}" for line in failure_lines(result)]
    if result.notes:
        lines += ["", "Notes", *(f"  {note}" for note in result.notes)]
    return "\n".join(lines) + "\n"


def headline(result: ReplayResult) -> str:
    """The verdict in one line."""
    where = f"{result.golden} on {result.board.id}"
    if result.passed:
        return f"{where}: {result.samples} samples as the set has them"
    text = f"{where}: MISMATCH in {result.failed_samples} of {result.samples} samples"
    text += f", the first is {result.failures[0].sample}"
    op = None if result.triage is None else result.triage.op
    return text if op is None else f"{text}; the first divergent op is {op.title}"


def counts_text(result: ReplayResult) -> str:
    """What was counted, in one line."""
    return (
        f"{result.samples} samples: input-digest mismatches {result.input_mismatches}, output "
        f"mismatches {result.output_mismatches}, tolerance violations {_violations(result)}, "
        f"decision mismatches {result.decision_mismatches}, reject mismatches "
        f"{result.reject_mismatches}"
    )


def timing_text(result: ReplayResult) -> str:
    """The slowest sample against the budget, with what its time is worth."""
    timing = result.timing
    if result.evidence.fidelity == Fidelity.ISA_PROXY:
        return f"no time model, {_budget(timing, judged=False)}"
    return (
        f"{timing.max:.4g} ms (sample {timing.max_sample}, {evidence_label(result)}), "
        f"{_budget(timing)}"
    )


def failure_lines(result: ReplayResult) -> list[str]:
    """The samples that failed first, and the triage of the first."""
    lines = []
    for number, failure in enumerate(result.failures, start=1):
        lines += _failure(number, failure)
        if result.triage is not None and result.triage.sample == failure.sample:
            lines += [f"     triage  {line}" for line in result.triage.lines]
    more = result.failed_samples - len(result.failures)
    return [*lines, f"and {more} more"] if more else lines


def _failure(number: int, failure: SampleFailure) -> list[str]:
    lines = [
        f"{number}. sample {failure.sample} (SHA-256 {failure.sha256[:_HEX_DIGITS]}...): "
        f"{', '.join(failure.what)}",
        f"     {failure.reason}",
    ]
    return lines if failure.tensors is None else [*lines, f"     tensors {failure.tensors}"]


def _violations(result: ReplayResult) -> str:
    if result.tolerance_violations is None:
        return "not checked (the set has no float reference)"
    own = result.reference_violations
    text = str(result.tolerance_violations)
    if own:
        text += f" (the quantized reference itself has {own})"
    return text


def _budget(timing: Timing, *, judged: bool = True) -> str:
    if timing.budget_ms is None:
        return "no budget"
    verdict = "not judged" if not judged else "met" if timing.met else "MISSED"
    return f"budget {timing.budget_ms:g} ms {verdict}"
