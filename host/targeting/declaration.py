"""``target.json``: the choice with everything it rests on, to be audited a year later."""

from __future__ import annotations

from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

import attrs

from host.targeting.checks import CheckResult
from host.targeting.latency import LatencyFigure
from host.targeting.vector import RequirementVector
from host.targeting.verdict import DeviceVerdict, Limits, Selection, SiteVerdict

TARGETING_VERSION = "0.1.0"


def declaration(selection: Selection, vector: RequirementVector, limits: Limits) -> dict[str, Any]:
    """Plain JSON values; what is not known is None.

    A device that is not ``decided`` has passed the checks that need no run, and was not needed.
    Errors are parts of 1, sizes are in the unit beside them, latencies in milliseconds.
    """
    target = selection.target
    best = target.best if target else None
    return {
        "target": target.device.id if target else None,
        "domain": best.site.domain if best else None,
        "backend": best.backend.name if best and best.backend else None,
        "engine": best.backend.engine if best and best.backend else None,
        "precision": best.precision if best else None,
        "met": selection.met,
        "tolerance": limits.tolerance,
        "targeting_version": TARGETING_VERSION,
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "host_version": version("jumpstation-hil"),
        "next_tier": selection.next_tier.device.id if selection.next_tier else None,
        "evidence": _latency(best.trial.figure) if best and best.trial else None,
        "limits": attrs.asdict(limits),
        "profile": vector.to_dict(),
        "devices": [_device(verdict) for verdict in selection.verdicts],
    }


def _device(verdict: DeviceVerdict) -> dict[str, Any]:
    sites = [verdict.best, *verdict.others]
    return {
        "id": verdict.device.id,
        "cost": verdict.device.cost,
        "passed": verdict.passed,
        "decided": verdict.is_decided,
        "sites": [_site(site) for site in sites],
    }


def _site(verdict: SiteVerdict) -> dict[str, Any]:
    trial = verdict.trial
    return {
        "domain": verdict.site.domain,
        "precision": verdict.precision,
        "backend": verdict.backend.name if verdict.backend else None,
        "engine": verdict.backend.engine if verdict.backend else None,
        "passed": verdict.passed,
        "checks": [_check(check) for check in verdict.checks],
        "latency": _latency(trial.figure) if trial else None,
        "measurement": trial.record.to_dict() if trial and trial.record else None,
    }


def _check(check: CheckResult) -> dict[str, Any]:
    return {**attrs.asdict(check), "status": str(check.status)}


def _latency(figure: LatencyFigure | None) -> dict[str, Any] | None:
    if figure is None:
        return None
    return {
        "median_ms": figure.median_ms,
        "max_ms": figure.max_ms,
        "interval_ms": None if figure.low_ms is None else [figure.low_ms, figure.high_ms],
        "method": str(figure.method),
        "source": str(figure.evidence.source),
        "fidelity": str(figure.evidence.fidelity),
        "emulator": figure.evidence.emulator,
        "error_band_pct": figure.evidence.error_band_pct,
        "label": figure.label,
    }
