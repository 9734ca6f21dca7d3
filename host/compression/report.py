"""The compression report: before and after, and every attempt in between, as plain JSON values."""

from __future__ import annotations

from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

import attrs

from host.compression.candidate import Attempt
from host.compression.compress import Compressed
from host.targeting.latency import LatencyFigure


def build_report(compressed: Compressed) -> dict[str, Any]:
    """Sizes in bytes, latencies in milliseconds, errors and accuracies as parts of 1.

    ``before`` is the model quantized as it is, on the same board, or what is foretold of it there.
    """
    request, room, chosen = compressed.request, compressed.room, compressed.chosen
    return {
        "report": "compression/1",
        "model": str(request.model),
        "sha256": compressed.original.graph.sha256,
        "target": chosen.verdict.device.id,
        "domain": chosen.verdict.best.site.domain,
        "precision": chosen.precision,
        "stages": list(chosen.candidate.stages),
        "limits": attrs.asdict(request.limits),
        "data": {
            "source": room.hold_out.data.source,
            "labels": room.split.train.labels is not None,
            "train_count": len(room.split.train),
            "calibration_count": len(room.split.validation),
            "hold_out_count": len(room.split.hold_out),
        },
        "original": {
            "parameters": compressed.original.graph.parameters,
            "accuracy": room.hold_out.accuracy,
            "output_range": list(room.hold_out.output_range),
        },
        "before": _figures(compressed.attempts[0]),
        "after": _figures(chosen),
        "attempts": [_attempt(attempt) for attempt in compressed.attempts],
        "notes": list(compressed.notes),
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "host_version": version("jumpstation-hil"),
    }


def _attempt(attempt: Attempt) -> dict[str, Any]:
    return {
        "stages": list(attempt.candidate.stages),
        "what": attempt.candidate.what,
        "passed": attempt.passed,
        "checks": [
            {"name": check.name, "status": str(check.status), "text": check.text}
            for check in attempt.verdict.best.checks
        ],
        "details": dict(attempt.candidate.details),
        **_figures(attempt),
    }


def _figures(attempt: Attempt) -> dict[str, Any]:
    precision = attempt.precision
    worth = attempt.candidate.worth.get(precision)
    plan = attempt.vector.plan(precision)
    trial = attempt.verdict.best.trial
    record = trial.record if trial else None
    return {
        "precision": precision,
        "parameters": attempt.candidate.graph.parameters,
        "error_mean": worth and worth["mean"],
        "relative_error": worth and worth["relative_mean"],
        "agreement": worth and worth["top1_agreement"],
        "accuracy": worth and worth["accuracy"],
        "plan_bytes": plan and plan.plan_bytes,
        "peak_ram_bytes": round(attempt.vector.peak_ram_kb * 1024),
        "peak_ram_source": attempt.vector.details.get("peak_ram_source"),
        "macs": attempt.vector.details.get("macs"),
        "latency": _latency(trial.figure if trial else None),
        "output": record and str(record.output.verdict),
        "arena_bytes_measured": record and record.memory.arena_bytes,
    }


def _latency(figure: LatencyFigure | None) -> dict[str, Any] | None:
    if figure is None:
        return None
    return {
        "median_ms": figure.median_ms,
        "max_ms": figure.max_ms,
        "low_ms": figure.low_ms,
        "high_ms": figure.high_ms,
        "measured": figure.is_measured,
        "method": str(figure.method),
        "source": str(figure.evidence.source),
        "fidelity": str(figure.evidence.fidelity),
        "label": figure.label,
    }
