"""What is deterministic: any change is a change."""

from __future__ import annotations

from collections.abc import Sequence

from hil.nightly.verdicts import Direction, Finding
from host.measurement import evidence
from protocol.measurement import Fidelity, Measurement, Verdict

_WITHOUT_TIME = (Fidelity.ISA_PROXY, Fidelity.MODEL)


def is_deterministic(record: Measurement) -> bool:
    return evidence.is_deterministic(record.evidence)


def exact_findings(reference: Measurement, sessions: Sequence[Measurement]) -> tuple[Finding, ...]:
    """All that differs, at most one finding a kind: that of the first session that has one."""
    found: dict[str, Finding] = {}
    for record in sessions:
        for finding in (
            *_input(reference, record),
            *_output(reference, record),
            *_arena(reference, record),
            *_budget(reference, record),
            *_stack(reference, record),
            *_cycles(reference, record),
        ):
            known = found.get(finding.what)
            if known is None or known.direction != Direction.WORSE == finding.direction:
                found[finding.what] = finding
    return tuple(found.values())


def _same_model(reference: Measurement, record: Measurement) -> bool:
    return reference.model.sha256 == record.model.sha256


def _input(reference: Measurement, record: Measurement) -> list[Finding]:
    if not _same_model(reference, record) or reference.input.crc32 == record.input.crc32:
        return []
    return [
        Finding(
            "input",
            Direction.WORSE,
            f"CRC-32 0x{record.input.crc32:08x}, was 0x{reference.input.crc32:08x}: another input "
            f"by the same name ({record.input.source})",
        )
    ]


def _output(reference: Measurement, record: Measurement) -> list[Finding]:
    output = record.output
    if output.verdict == Verdict.NONDETERMINISTIC:
        return [
            Finding(
                "output",
                Direction.WORSE,
                f"run {output.unstable_at} gave another result with the same input",
            )
        ]
    if output.verdict == Verdict.MISMATCH:
        expected = "" if output.expected_crc32 is None else f" 0x{output.expected_crc32:08x}"
        return [
            Finding(
                "output",
                Direction.WORSE,
                f"CRC-32 0x{output.crc32:08x} is not{expected} of {output.arithmetic}",
            )
        ]
    comparable = _same_model(reference, record) and reference.input.crc32 == record.input.crc32
    if comparable and output.crc32 != reference.output.crc32:
        return [
            Finding(
                "output",
                Direction.WORSE,
                f"CRC-32 0x{output.crc32:08x}, was 0x{reference.output.crc32:08x} for the same "
                f"model and input",
            )
        ]
    return []


def _arena(reference: Measurement, record: Measurement) -> list[Finding]:
    before, after = reference.memory.arena_bytes, record.memory.arena_bytes
    if before is None or after is None or before == after:
        return []
    return [
        Finding(
            "arena",
            Direction.WORSE if after > before else Direction.BETTER,
            f"{before:,} -> {after:,} bytes ({after - before:+,})",
        )
    ]


def _stack(reference: Measurement, record: Measurement) -> list[Finding]:
    before, after = reference.memory.stack_bytes, record.memory.stack_bytes
    if not is_deterministic(record) or before is None or after is None or before == after:
        return []
    return [
        Finding("stack", Direction.OTHER, f"{before:,} -> {after:,} bytes ({after - before:+,})")
    ]


def _budget(reference: Measurement, record: Measurement) -> list[Finding]:
    budget = record.budget
    if budget is None or budget.met:
        return []
    before = reference.budget
    missed_before = before is not None and before.ms <= budget.ms and not before.met
    return [
        Finding(
            "budget",
            Direction.OTHER if missed_before else Direction.WORSE,
            f"{record.latency_ms.max:.4g} ms max exceeds {budget.ms:g} ms"
            + (", as before" if missed_before else ""),
        )
    ]


def _cycles(reference: Measurement, record: Measurement) -> list[Finding]:
    """Emulated time. The median is what a run takes; the slowest counts where as many were run."""
    if not (is_deterministic(reference) and is_deterministic(record)):
        return []
    if reference.cycles is None or record.cycles is None:
        return []
    pairs = {"median": (reference.cycles.median, record.cycles.median)}
    counts = [(r.latency_ms.n, r.latency_ms.warmup) for r in (reference, record)]
    if counts[0] == counts[1]:
        pairs["max"] = (reference.cycles.max, record.cycles.max)
        pairs["min"] = (reference.cycles.min, record.cycles.min)
    for which, (before, after) in pairs.items():
        if after == before:
            continue
        unit = "instructions" if record.evidence.fidelity in _WITHOUT_TIME else "cycles"
        direction = Direction.WORSE if after > before else Direction.BETTER
        if record.evidence.fidelity in _WITHOUT_TIME:
            direction = Direction.OTHER
        return [
            Finding(
                "cycles",
                direction,
                f"{before:,.0f} -> {after:,.0f} {unit} {which} ({after / before - 1:+.2%}; "
                f"{record.evidence.source}, {record.evidence.fidelity})",
            )
        ]
    return []
