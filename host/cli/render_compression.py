"""The readable form of what compression did."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from host.cli.render import print_rows
from host.cli.render_distillation import seed_rows
from host.targeting.text import format_ms


def print_compression(report: dict[str, Any], folder: Path) -> None:
    """Prints the report to stdout."""
    console = Console(highlight=False, markup=False)
    before, after = report["before"], report["after"]
    rows = [
        ("Model", f"{report['model']} -> {folder}"),
        ("Target", f"{report['target']}, {report['precision']}, output {after['output']}"),
        ("Stages", " -> ".join(report["stages"])),
        ("Parameters", f"{before['parameters']:,} -> {after['parameters']:,}"),
        (
            "Peak RAM",
            f"{before['peak_ram_bytes']:,} -> {after['peak_ram_bytes']:,} bytes "
            f"({after['peak_ram_source']})",
        ),
        ("Flash", f"{before['plan_bytes']:,} -> {after['plan_bytes']:,} bytes of plan"),
        ("Latency", f"{_latency(before)} -> {_latency(after)}"),
        (
            "Error",
            f"{before['error_mean']:.4g} -> {after['error_mean']:.4g} mean on "
            f"{report['data']['hold_out_count']} held-out samples",
        ),
    ]
    original = report["original"]["accuracy"]
    if original is not None:
        rows.append(
            ("Accuracy", f"{original:.2%} the original -> {after['accuracy']:.2%} what came out")
        )
    print_rows(console, rows)
    console.print(_attempts(report))
    for attempt in report["attempts"]:
        print_rows(console, seed_rows(attempt["details"].get("comparison")))


def _attempts(report: dict[str, Any]) -> Table:
    table = Table(box=box.SIMPLE_HEAD)
    for name in ("tried", "what it lacked"):
        table.add_column(name, overflow="fold")
    for attempt in report["attempts"]:
        lacked = [check["text"] for check in attempt["checks"] if check["status"] == "failed"]
        table.add_row(
            f"{' -> '.join(attempt['stages'])}: {attempt['what']}",
            "; ".join(lacked) or "nothing: passed",
        )
    return table


def _latency(figures: dict[str, Any]) -> str:
    latency = figures["latency"]
    if latency is None:
        return "not known"
    return f"{format_ms(latency['median_ms'])} ({latency['label']})"
