"""The readable form of what quantization-aware training did."""

from __future__ import annotations

from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

from host.cli.render import print_rows
from host.distillation.quantizer import QuantizationResult

_NAMES = {
    "float": "float",
    "ptq": "before training (ptq)",
    "fake_quantized": "after, fake-quantized",
    "exported": "after, exported",
}


def print_training(result: QuantizationResult, target: Path) -> None:
    """Prints the report to stdout: float, PTQ, fake-quantized and exported side by side."""
    report, console = result.report, Console(highlight=False, markup=False)
    training, agreement = report["training"], report["agreement"]
    print_rows(
        console,
        [
            ("Model", f"{report['model']} -> {target} ({report['precision']})"),
            ("Size", f"{report['float_bytes']:,} -> {report['quantized_bytes']:,} bytes"),
            (
                "Training",
                f"{training['train_count']} samples, {training['learned_from']}; epoch "
                f"{training['best_epoch']} of {training['epochs']} kept by "
                f"{training['validation_count']} others; {training['seconds']:g} s",
            ),
            (
                "Agreement",
                f"{agreement['within_one_step']:.2%} of the trained outputs within one step of the "
                f"exported model's on {agreement['source']}, {agreement['equal']:.2%} equal",
            ),
        ],
    )
    table = Table(
        box=box.SIMPLE_HEAD,
        caption=f"on {training['hold_out_count']} samples that this training did not see; "
        "error: mean difference from float",
    )
    table.add_column("")
    columns = [
        (name, key)
        for name, key in (
            ("accuracy", "accuracy"),
            ("label error", "label_error"),
            ("same class", "same_class"),
            ("error", "error_mean"),
        )
        if report["hold_out"]["exported"][key] is not None
    ]
    for name, _ in columns:
        table.add_column(name, justify="right")
    for row, figures in report["hold_out"].items():
        table.add_row(_NAMES[row], *(_shown(key, figures[key]) for _, key in columns))
    console.print(table)


def _shown(key: str, value: float) -> str:
    return f"{value:.4g}" if key in ("label_error", "error_mean") else f"{value:.2%}"
