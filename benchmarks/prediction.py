"""Foretold against measured cycles, of models that no calibration has seen.

``python -m benchmarks.prediction`` measures whole models (the examples, published ones where
they lie beside the checkout, generated networks) on emulated boards and prints, per model, what
the board's cost model foretold and whether that holds within its 90 % interval. Wanted: 95 % of
the models within 10 % (15 % on a board whose emulator only estimates cycles), and 90 % of
them inside their interval.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import attrs
import numpy as np
from rich.console import Console
from rich.table import Table

import devices
from host.errors import BoardError, ConfigError, DeadlineExceeded, LinkError, ModelError
from host.measurement.measure import MeasureRequest, run_measurement
from host.measurement.observer import Silent
from host.models.tflite_writer import write_float_tflite
from host.targeting.simulate.calibration import FILE_NAME, INTERVAL, Calibration
from protocol.messages import Store
from tests.support.networks import NETWORKS

ROOT = Path(__file__).resolve().parents[1]
PUBLISHED = ROOT.parent / "shared" / "models"
LIMIT = {"cycle": 0.10, "cycle-estimate": 0.15}
"""Of 95 % of the relative errors, by the emulator's fidelity."""
WIDTHS = {"uno": (1, 2, 3)}
DEFAULT_WIDTHS = (4, 8, 16)
SEEDS = (100, 200)


@attrs.frozen
class Comparison:
    """One model: cycles, and the bounds of the prediction."""

    model: str
    store: str
    macs: int
    measured: float
    foretold: float
    low: float
    high: float

    @property
    def error(self) -> float:
        """Relative to what was measured."""
        return self.foretold / self.measured - 1.0

    @property
    def is_inside(self) -> bool:
        return self.low <= self.measured <= self.high


def compare(
    model: Path, board: str, calibration: Calibration, store: Store | None = None
) -> Comparison:
    """Measures ``model`` and foretells it; the prediction chooses the plan's store itself."""
    request = MeasureRequest(model=model, board=board, plan_store=store)
    outcome = run_measurement(request, Silent())
    record = outcome.record
    assert record.cycles is not None
    assert record.memory.plan_store is not None
    foretold = calibration.predict(outcome.plan_ops, None if store is None else store.name.lower())
    return Comparison(
        model=model.stem,
        store=record.memory.plan_store,
        macs=record.candidate.macs,
        measured=record.cycles.median,
        foretold=foretold.cycles,
        low=foretold.low,
        high=foretold.high,
    )


@contextlib.contextmanager
def generated(widths: Sequence[int], seeds: Sequence[int] = SEEDS) -> Iterator[list[Path]]:
    """Networks of every kind as files."""
    with tempfile.TemporaryDirectory(prefix="jumpstation-networks-") as folder:
        paths = []
        for number, network in enumerate(NETWORKS):
            for width in widths:
                for seed in seeds:
                    graph = network(seed + 17 * number + width, width)
                    paths.append(Path(folder) / f"{graph.name}_x{width}.tflite")
                    paths[-1].write_bytes(write_float_tflite(graph))
        yield paths


def p95(comparisons: Sequence[Comparison]) -> float:
    """Of the errors' sizes."""
    errors = [abs(entry.error) for entry in comparisons]
    return float(np.quantile(errors, 0.95, method="higher"))


def inside(comparisons: Sequence[Comparison]) -> float:
    """Part of the models that lie within their interval."""
    return float(np.mean([entry.is_inside for entry in comparisons]))


def _run(board: str, store: Store | None) -> bool:
    """Prints the table of one board; whether its goals were met."""
    profile = devices.load(board)
    calibration = Calibration.read(profile.path.with_name(FILE_NAME))
    given = [*(ROOT / "examples").glob("*_int8.tflite"), *PUBLISHED.glob("*_int8.tflite")]
    comparisons, skipped, broken = [], 0, 0
    with generated(WIDTHS.get(board, DEFAULT_WIDTHS)) as networks:
        for path in [*sorted(given), *networks]:
            try:
                comparisons.append(compare(path, board, calibration, store))
            except (BoardError, ModelError) as error:
                print(f"{path.stem} does not run on {board}: {error}", file=sys.stderr)
                skipped += 1
            except (LinkError, DeadlineExceeded) as error:
                print(f"{path.stem} broke {board}: {error}", file=sys.stderr)
                broken += 1
    limit = LIMIT[calibration.fidelity]
    met = not broken and p95(comparisons) <= limit and inside(comparisons) >= INTERVAL
    table = Table(title=f"{board}, {calibration.emulator}")
    table.add_column("model")
    table.add_column("plan in")
    for name in ("MACs", "measured", "foretold", "error", "90 % interval", "inside"):
        table.add_column(name, justify="right")
    for entry in comparisons:
        table.add_row(
            entry.model,
            entry.store,
            f"{entry.macs:,}",
            f"{entry.measured:,.0f}",
            f"{entry.foretold:,.0f}",
            f"{100 * entry.error:+.1f} %",
            f"{entry.low:,.0f}..{entry.high:,.0f}",
            "yes" if entry.is_inside else "NO",
        )
    Console(width=120).print(table)
    print(
        f"{board}: {len(comparisons)} models ({skipped} do not run there, {broken} broke it); "
        f"95 % of the errors within {100 * p95(comparisons):.1f} % (wanted {100 * limit:.0f} %), "
        f"{100 * inside(comparisons):.0f} % inside their interval "
        f"(wanted {100 * INTERVAL:.0f} %): {'ok' if met else 'MISSED'}"
    )
    return met


def main() -> int:
    """Prints the tables; returns 1 where a goal was missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--board", action="append", help="default: every calibrated one")
    parser.add_argument("--plan-store", choices=[store.name.lower() for store in Store])
    options = parser.parse_args()
    store = None if options.plan_store is None else Store[options.plan_store.upper()]
    calibrated = [
        profile.id for profile in devices.load_all() if profile.path.with_name(FILE_NAME).is_file()
    ]
    boards = options.board or calibrated
    if not boards:
        raise ConfigError("no board is calibrated", hint="`host calibrate --board ID`")
    met = [_run(board, store) for board in boards]
    return 0 if all(met) else 1


if __name__ == "__main__":
    sys.exit(main())
