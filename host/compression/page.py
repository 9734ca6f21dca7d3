"""The compression report as one HTML file that needs no network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from host.targeting.text import format_ms

_FOLDER = Path(__file__).parent


def as_page(report: dict[str, Any]) -> str:
    """Of what :func:`host.compression.report.build_report` returns."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"share": _share, "ms": format_ms, "count": _count}
    return environment.get_template("page.html.j2").render(
        report=report,
        rows=_rows(report),
        students=_students(report),
        style=Markup((_FOLDER / "page.css").read_text(encoding="utf-8")),
    )


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.2%}"


def _count(value: int | None) -> str:
    return "-" if value is None else f"{value:,}"


def _rows(report: dict[str, Any]) -> list[dict[str, Any]]:
    """Before and after, with bars as parts of the larger of the two."""
    before, after = report["before"], report["after"]
    latency = [figures["latency"] for figures in (before, after)]
    rows = [
        ("parameters", "", before["parameters"], after["parameters"], _count, "counted"),
        (
            "peak RAM",
            "bytes of arena",
            before["peak_ram_bytes"],
            after["peak_ram_bytes"],
            _count,
            f"{after['peak_ram_source']}, {report['after']['precision']}",
        ),
        (
            "flash",
            "bytes of plan",
            before["plan_bytes"],
            after["plan_bytes"],
            _count,
            "compiled",
        ),
        (
            "latency",
            f"on {report['target']}",
            *(figure and figure["median_ms"] for figure in latency),
            format_ms,
            " / ".join(figure["label"] if figure else "not known" for figure in latency),
        ),
        (
            "error",
            "mean difference from the original",
            before["error_mean"],
            after["error_mean"],
            _share,
            f"{report['data']['hold_out_count']} held-out samples",
        ),
    ]
    return [_row(*row) for row in rows]


def _row(name: str, unit: str, before: Any, after: Any, form: Any, evidence: str) -> dict[str, Any]:
    most = max(filter(None, (before, after)), default=None)
    return {
        "name": name,
        "unit": unit,
        "evidence": evidence,
        "bars": [
            {
                "when": when,
                "text": "-" if value is None else form(value),
                "percent": 0 if value is None or most is None else round(100 * value / most, 1),
            }
            for when, value in (("before", before), ("after", after))
        ],
    }


def _students(report: dict[str, Any]) -> list[dict[str, Any]]:
    """A plot a comparison: every seed a dot, with the teacher and without it."""
    plots = []
    for attempt in report["attempts"]:
        comparison = attempt["details"].get("comparison")
        if comparison is None:
            continue
        groups = [
            (name, comparison[key])
            for name, key in (("with the teacher", "with_teacher"), ("alone", "without_teacher"))
            if comparison[key]
        ]
        values = [value for _, group in groups for value in group["values"]]
        if groups[0][1]["metric"] == "accuracy" and report["original"]["accuracy"] is not None:
            values.append(report["original"]["accuracy"])
        low, high = min(values), max(values)
        span = (high - low) or 1.0
        plots.append(
            {
                "what": attempt["what"],
                "metric": groups[0][1]["metric"].replace("_", " "),
                "low": low,
                "high": high,
                "teacher": _place(report["original"]["accuracy"], low, span)
                if groups[0][1]["metric"] == "accuracy"
                else None,
                "groups": [
                    {
                        "name": name,
                        "mean": group["mean"],
                        "stdev": group["stdev"],
                        "dots": [_place(value, low, span) for value in group["values"]],
                    }
                    for name, group in groups
                ],
            }
        )
    return plots


def _place(value: float | None, low: float, span: float) -> float | None:
    """Along an axis of 300 units that begins at 20."""
    return None if value is None else round(20 + 300 * (value - low) / span, 1)
