"""Cycles a multiply-accumulate takes on the UNO, whole ops with requantization.

``python -m benchmarks.uno_kernels`` measures models of one op each on the emulated part, which is
cycle exact, compares their outputs with the reference's, and prints, per op, its cycles and those
per MAC. FULLY_CONNECTED 128 -> 64 has to stay within 16 (it returns 1 where that is missed); the
others are reported.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import attrs
from rich.console import Console
from rich.table import Table

from host.measurement.measure import MeasureRequest, run_measurement
from host.measurement.observer import Silent
from host.models.graph import Graph
from host.models.tflite_writer import write_float_tflite
from host.targeting.simulate.models import GraphBuilder
from protocol.measurement import Verdict

MOST_CYCLES_PER_MAC = {"FULLY_CONNECTED 128 -> 64": 16.0}


@attrs.frozen
class Figure:
    """What one op took."""

    name: str
    macs: int
    cycles: int

    @property
    def cycles_per_mac(self) -> float:
        return self.cycles / self.macs

    @property
    def passed(self) -> bool:
        return self.cycles_per_mac <= MOST_CYCLES_PER_MAC.get(self.name, float("inf"))


def _graphs() -> Iterator[tuple[str, Graph]]:
    for inputs, outputs in ((128, 64), (64, 32)):
        build = GraphBuilder(1)
        op = build.fully_connected(build.input((1, inputs)), outputs)
        yield f"FULLY_CONNECTED {inputs} -> {outputs}", build.build(op)
    for kernel in (3, 1):
        build = GraphBuilder(1)
        op = build.convolution(build.input((1, 8, 8, 8)), 8, (kernel, kernel))
        yield f"CONV_2D {kernel}x{kernel} 8 -> 8, 8x8", build.build(op)
    build = GraphBuilder(1)
    op = build.depthwise(build.input((1, 8, 8, 8)), (3, 3))
    yield "DEPTHWISE_CONV_2D 3x3 8, 8x8", build.build(op)


def measure(name: str, graph: Graph) -> Figure:
    """One op on the emulated UNO.

    Raises:
        AssertionError: its output is not the reference's.
    """
    with tempfile.TemporaryDirectory() as folder:
        model = Path(folder) / "op.tflite"
        model.write_bytes(write_float_tflite(graph))
        request = MeasureRequest(model=model, board="uno", profile=True)
        record = run_measurement(request, Silent()).record
    assert record.output.verdict == Verdict.EXACT, name
    assert record.ops is not None
    (op,) = record.ops
    return Figure(name, op.macs, op.cycles)


def figures(*, limited: bool = False) -> list[Figure]:
    """All of them in the table's order, or those alone that have a limit."""
    graphs = [entry for entry in _graphs() if not limited or entry[0] in MOST_CYCLES_PER_MAC]
    return [measure(name, graph) for name, graph in graphs]


def main() -> int:
    """Prints the table; returns 1 where a goal was missed."""
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    found = figures()
    table = Table(title="Kernels of the UNO (ATmega328P @ 16 MHz, emulated, cycle)")
    for heading in ("op", "MACs", "cycles", "cycles/MAC", "at most", ""):
        table.add_column(heading, justify="left" if heading in ("op", "") else "right")
    for figure in found:
        limit = MOST_CYCLES_PER_MAC.get(figure.name)
        table.add_row(
            figure.name,
            f"{figure.macs:,}",
            f"{figure.cycles:,}",
            f"{figure.cycles_per_mac:.2f}",
            "" if limit is None else f"{limit:.0f}",
            "" if limit is None else ("ok" if figure.passed else "MISSED"),
        )
    Console().print(table)
    return 0 if all(figure.passed for figure in found) else 1


if __name__ == "__main__":
    sys.exit(main())
