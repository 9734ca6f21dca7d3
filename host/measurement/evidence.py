"""Where a latency comes from, as the record keeps it and as people read it."""

from __future__ import annotations

from typing import Protocol

import devices
from host.errors import ConfigError
from protocol.capabilities import Capabilities
from protocol.measurement import Board, Evidence, Fidelity, Source


class Evidenced(Protocol):
    """A measurement, or whatever else a board gave."""

    @property
    def board(self) -> Board: ...

    @property
    def evidence(self) -> Evidence: ...


def find_profile(board: str) -> devices.Profile | None:
    """The board's profile; None where the catalog does not have it.

    Raises:
        ConfigError: its profile cannot be read.
    """
    try:
        return devices.load(board)
    except devices.UnknownDeviceError:
        return None
    except devices.ProfileError as error:
        raise ConfigError(str(error)) from error


def _find_domain(board: str, name: str) -> devices.Domain | None:
    profile = find_profile(board)
    return None if profile is None else profile.domain(name)


def evidence_of(capabilities: Capabilities) -> Evidence:
    """The row of evidence that a board's own word gives it.

    A board says itself what emulates it (docs/decisions/0004); how far that emulator can be
    trusted is in its device profile. One that the profile does not know ranks lowest.
    """
    if not capabilities.emulator:
        return Evidence(source=Source.HARDWARE, fidelity=Fidelity.SILICON)
    domain = _find_domain(capabilities.board, capabilities.domain)
    emulator = domain.emulator if domain else None
    if emulator is None or capabilities.emulator.split()[0] != emulator.name:
        return Evidence(
            source=Source.EMULATED, fidelity=Fidelity.ISA_PROXY, emulator=capabilities.emulator
        )
    band = emulator.error_band_pct
    return Evidence(
        source=Source.EMULATED,
        fidelity=Fidelity(emulator.fidelity),
        emulator=capabilities.emulator,
        error_band_pct=None if band is None else band.value,
    )


def is_deterministic(evidence: Evidence) -> bool:
    """Whether the board takes the same time for the same work, always."""
    return evidence.source == Source.EMULATED


def evidence_label(record: Evidenced) -> str:
    """What stands beside a latency: ``RP2040 @ 133 MHz, emulated, cycle ±10 %, rp2040js 1.4.1``."""
    board, evidence = record.board, record.evidence
    domain = _find_domain(board.id, board.domain)
    part = domain.part if domain else board.core or board.id
    clock = f" @ {board.clock_hz / 1e6:g} MHz" if board.clock_hz else ""
    parts = [part + clock, str(evidence.source)]
    if evidence.source != Source.HARDWARE:
        band = "" if evidence.error_band_pct is None else f" ±{evidence.error_band_pct:g} %"
        parts.append(f"{evidence.fidelity}{band}")
    if evidence.emulator:
        parts.append(evidence.emulator)
    return ", ".join(parts)
