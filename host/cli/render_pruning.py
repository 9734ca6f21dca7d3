"""The readable form of what pruning did."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from host.cli.render import print_rows
from host.targeting.text import format_ms

_NAME_WIDTH = 32
"""Converters join the names of all that they fused; the beginning tells layers apart."""


def print_pruning(report: dict[str, Any], target: Path) -> None:
    """Prints the report to stdout."""
    console = Console(highlight=False, markup=False)
    parameters, accuracy, board = report["parameters"], report["accuracy"], report["board"]
    before, after = board["before"], board["after"]
    figures = [
        f"{accuracy[name]:.1%}" if accuracy["metric"] == "top-1" else f"{accuracy[name]:.4g}"
        for name in ("before", "after_pruning", "after_fine_tuning", "int8_before", "int8_after")
    ]
    left = "" if report["structured"] else f" ({parameters['nonzero_after']:,} not zero)"
    rows = [
        ("Model", f"{report['model']} -> {target}"),
        ("Parameters", f"{parameters['before']:,} -> {parameters['after']:,}{left}"),
        (
            "Accuracy" if accuracy["metric"] == "top-1" else "Error",
            f"{figures[0]} -> {figures[1]} pruned -> {figures[2]} fine-tuned "
            f"({accuracy['metric']}, {accuracy['samples']} held-out samples)",
        ),
        ("", f"{figures[3]} -> {figures[4]} as int8"),
        ("RAM", f"{before['arena_bytes']:,} -> {after['arena_bytes']:,} bytes of arena, as int8"),
        ("Flash", f"{before['plan_bytes']:,} -> {after['plan_bytes']:,} bytes of plan"),
        ("Latency", f"{_latency(before)} -> {_latency(after)}"),
    ]
    rows += [("", figure["note"]) for figure in (before, after) if figure["note"]]
    print_rows(console, [*rows, ("", report["verdict"])])
    table = Table(
        box=box.SIMPLE_HEAD,
        caption="sensitivity: the output's mean error on validation data where half of the layer "
        "alone is pruned",
    )
    table.add_column("layer", overflow="ellipsis", max_width=_NAME_WIDTH)
    table.add_column("kind", no_wrap=True)
    for name in ("weights", "left", "sparsity", "sensitivity"):
        table.add_column(name, justify="right", no_wrap=True)
    for layer in report["layers"]:
        curve = layer["sensitivity"]
        table.add_row(
            layer["name"],
            layer["kind"],
            f"{layer['weights_before']:,}",
            f"{round(layer['weights_before'] * (1 - layer['sparsity'])):,}",
            f"{layer['sparsity']:.0%}",
            "-" if curve is None else f"{curve['0.5']:.2g}",
        )
    console.print(table)


def _latency(figures: dict[str, Any]) -> str:
    if figures["latency_ms"] is None:
        return "not known"
    evidence = figures["latency_evidence"]
    latency = f"{format_ms(figures['latency_ms'])} ({evidence['label']})"
    return latency if evidence["source"] != "simulated" else f"about {latency}, simulated"
