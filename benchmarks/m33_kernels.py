"""What the Cortex-M33's kernels cost, op by op, on the emulated core.

``python -m benchmarks.m33_kernels [MODEL ...]`` runs int8 models (by default the published
ones beside the checkout) as boards get them, without a board's port, and prints per op the MACs,
the instructions executed and the cycles that the counter plug-in's table estimates for them
(hil/emulators/mps2_an505/plugin): of the whole op, requantization included.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from host.compiler import CompiledPlan, compile_graph
from host.models.loader import load_model
from tests.support.m33_core import Job, OpCost, build_image, run_jobs
from tests.support.models import INT8_MODELS, PUBLISHED

_SEED = 1


def costs(plan: CompiledPlan) -> tuple[OpCost, ...]:
    """Every op's, of a run with drawn inputs.

    Raises:
        RuntimeError: the runtime refuses the plan.
    """
    arena = np.random.default_rng(_SEED).integers(0, 256, plan.arena_bytes).astype(np.uint8)
    (run,) = run_jobs(build_image("m33"), [Job(plan.data, arena.tobytes(), count=True)])
    if run.code != 0:
        raise RuntimeError(f"the runtime refuses the plan with code {run.code}")
    return run.ops


def table_of(name: str, plan: CompiledPlan) -> Table:
    """One row an op, and their sum."""
    table = Table(title=name)
    table.add_column("op")
    for column in ("MACs", "instructions", "a MAC", "cycles (estimate)", "a MAC"):
        table.add_column(column, justify="right")

    def add(label: str, macs: int, cost: OpCost) -> None:
        row = [label, f"{macs:,}" if macs else ""]
        for count in (cost.instructions, cost.cycles):
            row += [f"{count:,}", f"{count / macs:.2f}" if macs else ""]
        table.add_row(*row)

    ops = costs(plan)
    for op, cost in zip(plan.ops, ops, strict=True):
        add(op.kind.name, op.macs, cost)
    table.add_section()
    total = OpCost(sum(op.cycles for op in ops), sum(op.instructions for op in ops))
    add("all", plan.macs, total)
    return table


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.m33_kernels")
    default = [PUBLISHED / f"{name}.tflite" for name in INT8_MODELS]
    parser.add_argument("model", nargs="*", type=Path, default=default)
    models = parser.parse_args().model
    console = Console()
    for path in models:
        if path.is_file():
            console.print(table_of(path.stem, compile_graph(load_model(path))))
        else:
            console.print(f"{path} is not there: this model is not measured")
    return 0


if __name__ == "__main__":
    sys.exit(main())
