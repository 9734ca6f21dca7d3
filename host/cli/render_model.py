"""The readable form of what is known of a model before a board has run it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from host.cli.render import print_rows
from host.distillation.quantizer import QuantizationResult
from host.targeting.text import format_count, format_ms
from host.targeting.vector import RequirementVector


def print_vector(vector: RequirementVector, model: str) -> None:
    """Prints the requirement vector to stdout."""
    details = vector.details
    rows = [
        (
            "Model",
            f"{model} (input {list(vector.input_shape)}, output {list(vector.output_shape)})",
        ),
        ("FLOPs", f"{format_count(vector.flops)} ({format_count(details['macs'])} MACs)"),
        ("Peak RAM", f"{vector.peak_ram_kb:.2f} KB ({_peak_source(details)})"),
        ("Plan", f"{details['plans']['int8']['plan_bytes']:,} bytes as int8"),
    ]
    if vector.latency_cpu_ms is not None:
        cpu = details["cpu"]
        rows.append(
            ("Latency", f"{format_ms(vector.latency_cpu_ms)} here ({cpu['name']}, {cpu['engine']})")
        )
    if vector.latency_dxm1_ms is not None:
        rows.append(("", f"{format_ms(vector.latency_dxm1_ms)} on the DX-M1"))
    for precision in ("int8", "int4"):
        errors = details.get("errors", {}).get(precision)
        text = "not known"
        if errors is not None:
            text = (
                f"{errors['mean']:.4g} mean, {errors['worst']:.4g} worst "
                f"({errors['relative_mean']:.2%} of the output's range)"
            )
            if errors["top1_agreement"] is not None:
                text += f", same class {errors['top1_agreement']:.1%}"
        rows.append((f"{precision.upper()} error", text))
    calibration = details.get("calibration")
    if calibration is not None:
        rows.append(
            (
                "Calibration",
                f"{calibration['source']}: {calibration['calibration_count']} samples, errors "
                f"from {calibration['hold_out_count']} others",
            )
        )
    print_rows(Console(highlight=False, markup=False), rows)


def _peak_source(details: dict[str, Any]) -> str:
    board = details.get("peak_ram_board")
    return str(details["peak_ram_source"]) + (
        f" on {board['id']}, {board['source']} {board['fidelity']}" if board else ""
    )


def print_quantization(result: QuantizationResult, target: Path) -> None:
    """Prints the report to stdout, the layers that hurt most first."""
    report, console = result.report, Console(highlight=False, markup=False)
    calibration = report["calibration"]
    errors = report["error_mean_by_ranges"]
    others = ", ".join(f"{name}: {errors[name]:.4g}" for name in errors if name != report["ranges"])
    ranges = f"{report['ranges']} ({others})"
    print_rows(
        console,
        [
            ("Model", f"{report['model']} -> {target}"),
            ("Size", f"{report['float_bytes']:,} -> {report['quantized_bytes']:,} bytes"),
            (
                "Error",
                f"{report['error_mean']:.4g} mean over {calibration['hold_out_count']} samples",
            ),
            ("Ranges", f"{ranges}, from {calibration['calibration_count']} samples"),
        ],
    )
    table = Table(
        box=box.SIMPLE_HEAD,
        caption="the layers that hurt most: the output's mean error with one layer alone "
        "quantized; the layer's own error as a part of its range, and values at int8's ends",
    )
    for name in ("layer", "kind"):
        table.add_column(name, overflow="fold")
    for name in ("alone", "error", "saturated"):
        table.add_column(name, justify="right")
    layers = {layer["name"]: layer for layer in report["layers"]}
    for name in report["worst_layers"]:
        layer = layers[name]
        table.add_row(
            name,
            layer["kind"],
            f"{layer['sensitivity']:.2g}",
            f"{layer['relative_error']:.2%}",
            f"{layer['saturated_share']:.1%}",
        )
    console.print(table)
