"""The readable form of what distillation did."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.console import Console

from host.cli.render import print_rows
from host.targeting.text import format_ms


def print_distillation(report: dict[str, Any], written: Path) -> None:
    """Prints the report to stdout."""
    console = Console(highlight=False, markup=False)
    teacher, student, board = report["teacher"], report["student"], report["target"]
    judged = student["hold_out"]
    edge = "x".join(map(str, student["input_shape"][1:]))
    rows = [
        ("Teacher", f"{teacher['model']} ({teacher['parameters']:,} parameters)"),
        (
            "Student",
            f"{student['architecture']} of width {student['width']:g}, input {edge} "
            f"({student['parameters']:,} parameters) -> {written}",
        ),
        ("Target", f"{board['id']}, {student['precision']}, output {board['output'] or 'not run'}"),
        ("RAM", f"{board['arena_bytes']:,} bytes of arena"),
        ("Flash", f"{board['plan_bytes']:,} bytes of plan"),
        ("Latency", _latency(board)),
        (
            "Error",
            f"{report['error']:.4g} against the teacher, mean of {judged['samples']} held-out "
            f"samples (tolerance {report['tolerance']:g}: "
            f"{'met' if report['error'] <= report['tolerance'] else 'missed'})",
        ),
    ]
    if judged["top1_agreement"] is not None:
        rows.append(("Agreement", f"{judged['top1_agreement']:.2%} of the teacher's classes"))
    if judged["accuracy"] is not None:
        rows.append(
            ("Accuracy", f"{teacher['accuracy']:.2%} the teacher, {judged['accuracy']:.2%} as int8")
        )
    if board["note"]:
        rows.append(("", board["note"]))
    print_rows(console, [*rows, *seed_rows(report["comparison"])])


def seed_rows(comparison: dict[str, Any] | None) -> list[tuple[str, str]]:
    """The students of all seeds, taught and not; nothing where there was one."""
    rows: list[tuple[str, str]] = []
    for name, key in (("Taught", "with_teacher"), ("Untaught", "without_teacher")):
        group = comparison and comparison[key]
        if not group:
            continue
        form = "{:.2%}" if group["metric"] == "accuracy" else "{:.4g}"
        values = ", ".join(form.format(value) for value in group["values"])
        mean = form.format(group["mean"])
        rows.append((name, f"{group['metric'].replace('_', ' ')} {mean}, the mean of {values}"))
    return rows


def _latency(figures: dict[str, Any]) -> str:
    if figures["latency_ms"] is None:
        return "not known"
    return f"{format_ms(figures['latency_ms'])} ({figures['latency_evidence']['label']})"
