"""A latency with what it rests on."""

from __future__ import annotations

from enum import StrEnum

import attrs

from host.targeting.site import Site
from protocol.measurement import Evidence, Fidelity, Measurement, Source


class Method(StrEnum):
    """How a latency came about; the first that is possible is used."""

    MEASURED = "measured"
    COST_MODEL = "cost model"
    SCALED = "scaled cost model"
    ROOFLINE = "roofline"


GATING_FIDELITIES = (Fidelity.SILICON, Fidelity.CYCLE, Fidelity.CYCLE_ESTIMATE, Fidelity.MODEL)
"""Whose time may decide; an instruction set without a time model may not."""


@attrs.frozen(kw_only=True)
class LatencyFigure:
    """Milliseconds of one inference.

    ``low_ms`` and ``high_ms`` bound it: the emulator's error band, or a prediction interval;
    both None on silicon. ``max_ms`` is the slowest run, where there were runs.
    """

    median_ms: float
    max_ms: float
    low_ms: float | None = None
    high_ms: float | None = None
    method: Method
    evidence: Evidence
    label: str
    """What stands in brackets behind it: ``RP2040 @ 133MHz, emulated, cycle ±10%``."""

    @property
    def judged_ms(self) -> float:
        """What a budget is held against: the worst case, never the average."""
        return self.max_ms if self.high_ms is None else max(self.max_ms, self.high_ms)

    @property
    def is_measured(self) -> bool:
        """Said of hardware and of cycle emulation; everything else is an estimate."""
        return self.method == Method.MEASURED and self.evidence.fidelity in (
            Fidelity.SILICON,
            Fidelity.CYCLE,
        )


def may_gate(evidence: Evidence, floor: str) -> bool:
    """Whether a latency of that evidence may decide.

    Args:
        floor: the lowest source allowed, ``hardware``, ``emulated`` or ``any``.
    """
    allowed = {
        "hardware": (Source.HARDWARE,),
        "emulated": (Source.HARDWARE, Source.EMULATED),
        "any": tuple(Source),
    }[floor]
    return evidence.source in allowed and evidence.fidelity in GATING_FIDELITIES


def is_by_engine_of(site: Site, record: Measurement) -> bool:
    """Not so of MicroPython on the same board: its latency says nothing of the C runtime's."""
    engine = (record.board.engine or "").partition(" ")[0]
    return not engine or engine in {backend.engine for backend in site.backends}


def figure_of(record: Measurement, part: str) -> LatencyFigure:
    """What a measurement says. Its error band widens the slowest and the fastest run."""
    evidence, latency = record.evidence, record.latency_ms
    clock = f" @ {record.board.clock_hz / 1e6:g}MHz" if record.board.clock_hz else ""
    notes = [f"{part}{clock}"]
    band = evidence.error_band_pct
    if evidence.source != Source.HARDWARE:
        tolerance = f" ±{band:g}%" if band is not None else ""
        notes += [str(evidence.source), f"{evidence.fidelity}{tolerance}"]
    factor = None if band is None else band / 100.0
    return LatencyFigure(
        median_ms=latency.median,
        max_ms=latency.max,
        low_ms=None if factor is None else latency.min * (1.0 - factor),
        high_ms=None if factor is None else latency.max * (1.0 + factor),
        method=Method.MEASURED,
        evidence=evidence,
        label=", ".join(notes),
    )
