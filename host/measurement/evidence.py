"""Where a latency comes from, as the record keeps it and as people read it."""

from __future__ import annotations

from protocol.capabilities import Capabilities
from protocol.measurement import Evidence, Fidelity, Measurement, Source


def evidence_of(capabilities: Capabilities) -> Evidence:
    """The row of evidence that a board's own word gives it.

    A board says itself what emulates it; how far that can be trusted is in its device
    profile. An emulated board without a profile gets the lowest rank that was run.
    """
    if not capabilities.emulator:
        return Evidence(source=Source.HARDWARE, fidelity=Fidelity.SILICON)
    return Evidence(
        source=Source.EMULATED, fidelity=Fidelity.ISA_PROXY, emulator=capabilities.emulator
    )


def is_deterministic(evidence: Evidence) -> bool:
    """Whether the board takes the same time for the same work, always."""
    return evidence.source == Source.EMULATED


def evidence_label(record: Measurement) -> str:
    """What stands beside a latency: ``RP2040 @ 133 MHz, emulated, cycle ±10 %, rp2040js 1.4.1``."""
    board, evidence = record.board, record.evidence
    parts = [board.core or board.id]
    if board.clock_hz:
        parts[0] += f" @ {board.clock_hz / 1e6:g} MHz"
    parts.append(str(evidence.source))
    if evidence.source != Source.HARDWARE:
        band = "" if evidence.error_band_pct is None else f" ±{evidence.error_band_pct:g} %"
        parts.append(f"{evidence.fidelity}{band}")
    if evidence.emulator:
        parts.append(evidence.emulator)
    return ", ".join(parts)
