"""A selection as people read it. The form is fixed: scripts cut it up by line."""

from __future__ import annotations

from host.targeting.latency import LatencyFigure
from host.targeting.vector import RequirementVector
from host.targeting.verdict import DeviceVerdict, Limits, Selection

_THOUSANDS = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "K"))


def format_count(count: float) -> str:
    """``15.2M``: three significant digits and the power of a thousand."""
    for unit, letter in _THOUSANDS:
        if count >= unit:
            return f"{_three_digits(count / unit)}{letter}"
    return f"{count:.0f}"


def _three_digits(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def format_ms(value_ms: float) -> str:
    """``297ms``: no unit but milliseconds, so that lines compare at a glance."""
    return f"{_three_digits(value_ms)}ms"


def format_latency(figure: LatencyFigure) -> str:
    """``Measured latency: 297ms (...)`` where it was, else ``Estimated latency: ~150ms (...)``."""
    if figure.is_measured:
        return f"Measured latency: {format_ms(figure.median_ms)} ({figure.label})"
    band = ""
    if figure.low_ms is not None and figure.high_ms is not None:
        band = f", {_three_digits(figure.low_ms)}..{format_ms(figure.high_ms)}"
    return f"Estimated latency: ~{format_ms(figure.median_ms)} ({figure.label}{band})"


def _figure(verdict: DeviceVerdict) -> LatencyFigure | None:
    return verdict.best.trial.figure if verdict.best.trial else None


def _error_line(vector: RequirementVector, limits: Limits, target: DeviceVerdict | None) -> str:
    """int4's where it was chosen, else int8's: also where that is why floats were."""
    precision = "int4" if target is not None and target.best.precision == "int4" else "int8"
    error = vector.error(precision)
    if error is None:
        return f"  {precision.upper()} error: not known"
    verdict = "within" if error.mean <= limits.tolerance else "exceeds"
    of_range = " of output range" if error.relative else ""
    return f"  {precision.upper()} error: {error.mean * 100:.2f}%{of_range} ({verdict} tolerance)"


def _target_lines(verdict: DeviceVerdict, title: str) -> list[str]:
    best = verdict.best
    lines = [f"  {title}: {verdict.device.id}"]
    if best.backend is not None:
        lines.append(f"    Backend: {best.backend.name} (engine {best.backend.engine})")
    lines.append(f"    Precision: {best.precision}")
    figure = _figure(verdict)
    if figure is not None:
        lines.append(f"    {format_latency(figure)}")
    return lines


def render(selection: Selection, vector: RequirementVector, limits: Limits, model_name: str) -> str:
    """The whole text, without a newline at its end."""
    target = selection.target
    lines = [
        "Target analysis complete.",
        f"  Model: {model_name}",
        f"  FLOPs: {format_count(vector.flops)}",
        f"  Peak RAM: {_three_digits(vector.peak_ram_kb)} KB",
        _error_line(vector, limits, target),
        "",
    ]
    if target is None:
        return "\n".join([*lines, "  Minimum viable target: none (there is no device to choose)"])
    if selection.met:
        lines += _target_lines(target, "Minimum viable target")
    else:
        lines.append("  Warning: no device meets the requirements; this one comes closest.")
        lines += _target_lines(target, "Closest target")
        lines += [f"    Violated: {check.text}" for check in target.best.failed]
    tier = selection.next_tier
    tier_figure = _figure(tier) if tier else None
    if tier is not None and tier_figure is not None:
        lines += [
            "",
            f"  Next tier up if latency unacceptable: {tier.device.id}",
            f"    {format_latency(tier_figure)}",
        ]
    return "\n".join(lines)
