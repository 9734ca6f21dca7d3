"""Latency over the nights: one value a cell and night, and small drawings of them."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Sequence

import attrs
from markupsafe import Markup

from hil.nightly.cells import NIGHT_GAP, CellKey, without_version
from host.evidence import LatencyPoint

_MINUTE_S = 60


@attrs.frozen
class TrendPoint:
    """Middle session of a night: when, in minutes since the epoch, and its median latency."""

    at_minutes: int
    median_ms: float


def key_of(point: LatencyPoint) -> CellKey:
    """The cell that a point belongs to, as CellKey.of has it of a whole record."""
    seed = point.input_seed
    return CellKey(
        model=point.model,
        precision=point.precision,
        board=point.board,
        domain=point.domain,
        source=str(point.source),
        emulator=without_version(point.emulator),
        engine=(point.engine or "").split(" ")[0],
        plan_store=point.plan_store or "",
        input=point.input_source if seed is None else f"{point.input_source}:{seed}",
        uid=point.uid or "",
    )


def trends(points: Sequence[LatencyPoint]) -> dict[CellKey, list[TrendPoint]]:
    """By cell, the oldest night first. ``points`` are in the order of their time."""
    found: dict[CellKey, list[TrendPoint]] = defaultdict(list)
    night: dict[CellKey, list[LatencyPoint]] = defaultdict(list)

    def close() -> None:
        for key, sessions in night.items():
            middle = statistics.median(session.median_ms for session in sessions)
            minutes = int(sessions[0].at.timestamp()) // _MINUTE_S
            found[key].append(TrendPoint(minutes, middle))
        night.clear()

    last = None
    for point in points:
        if last is not None and point.at - last > NIGHT_GAP:
            close()
        last = point.at
        night[key_of(point)].append(point)
    close()
    return dict(found)


def sparkline(
    values: Sequence[float], baseline: float | None, *, width: int = 96, height: int = 22
) -> Markup:
    """A line without axes, tonight as a dot, the baseline dashed; empty for a single value."""
    if len(values) < 2:
        return Markup("")
    shown = [*values, *([] if baseline is None else [baseline])]
    low, high = min(shown), max(shown)
    # A flat line stays in the middle: less than a hundredth is not drawn as a mountain range.
    span = max(high - low, 0.01 * high)
    middle, margin = (high + low) / 2, 3

    def y(value: float) -> float:
        return round(height / 2 - (value - middle) / span * (height - 2 * margin), 1)

    step = (width - 2 * margin) / (len(values) - 1)
    line = " ".join(f"{margin + i * step:.1f},{y(value)}" for i, value in enumerate(values))
    dashed = ""
    if baseline is not None:
        dashed = f'<path class="base" d="M0 {y(baseline)}H{width}"/>'
    return Markup(
        f'<svg class="spark" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'aria-hidden="true">{dashed}<polyline points="{line}"/>'
        f'<circle cx="{width - margin}" cy="{y(values[-1])}" r="2.5"/></svg>'
    )
