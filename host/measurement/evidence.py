"""Where a latency comes from, as the record keeps it and as people read it."""

from __future__ import annotations

import devices
from host.errors import ConfigError
from protocol.capabilities import Capabilities
from protocol.measurement import Evidence, Fidelity, Measurement, Source


def evidence_of(capabilities: Capabilities) -> Evidence:
    """The row of evidence that a board's own word gives it.

    A board says itself what emulates it; how far that can be trusted is in its device
    profile. Without a profile that knows the emulator it is the lowest row that was run.

    Raises:
        ConfigError: the board's profile is broken.
    """
    if not capabilities.emulator:
        return Evidence(source=Source.HARDWARE, fidelity=Fidelity.SILICON)
    fidelity, band = Fidelity.ISA_PROXY, None
    known = _known_emulator(capabilities.board)
    if known is not None and capabilities.emulator.startswith(known.name):
        fidelity = Fidelity(known.fidelity)
        band = None if known.error_band_pct is None else known.error_band_pct.value
    return Evidence(
        source=Source.EMULATED,
        fidelity=fidelity,
        emulator=capabilities.emulator,
        error_band_pct=band,
    )


def _known_emulator(board_id: str) -> devices.Emulator | None:
    try:
        return devices.load(board_id).emulator
    except devices.UnknownDeviceError:
        return None
    except devices.ProfileError as error:
        raise ConfigError(str(error)) from error


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
