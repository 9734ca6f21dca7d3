"""What int4 weights cost and save on emulated boards, beside the same models with int8 weights.

``python -m benchmarks.packed_weights`` quantizes float models that lie beside the checkout both
ways, with seeded random calibration data, runs them on emulated boards, and prints each plan's
size, its store, and cycles a multiply-accumulate. Of a board whose emulator has no time the cycles
are instructions.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from host.distillation.quantization import PRECISIONS
from host.distillation.quantizer import quantize_model
from host.measurement.measure import MeasureRequest, run_measurement
from host.measurement.observer import Silent
from protocol.measurement import Measurement, Verdict
from protocol.messages import Store

PUBLISHED = Path(__file__).resolve().parents[2] / "shared" / "models"
MODELS = ("ic_resnet8_float", "ad01_fp32")
STORES = {"pico": Store.FLASH}
"""Where a deployed plan lies; else wherever it fits."""


def _measured(model: Path, board: str) -> Measurement:
    request = MeasureRequest(
        model=model, board=board, iterations=1, warmup=1, plan_store=STORES.get(board)
    )
    return run_measurement(request, Silent()).record


def _row(name: str, board: str, record: Measurement) -> tuple[str, ...]:
    candidate, cycles = record.candidate, record.cycles
    assert cycles is not None
    assert candidate.macs is not None
    exact = "exact" if record.output.verdict == Verdict.EXACT else "DIFFERS"
    return (
        name,
        board,
        candidate.precision,
        f"{candidate.plan_bytes:,}",
        str(record.memory.plan_store),
        f"{cycles.median / candidate.macs:.2f}",
        exact,
    )


def main() -> int:
    """Returns 1 where an output is not exact, or a model is not there."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("boards", nargs="*", default=["pico", "uno_q", "esp32", "esp32c3"])
    boards = parser.parse_args().boards
    table = Table("model", "board", "weights", "plan, bytes", "in", "cycles/MAC", "output")
    failed = False
    with tempfile.TemporaryDirectory() as folder:
        for name in MODELS:
            path = PUBLISHED / f"{name}.tflite"
            if not path.is_file():
                print(f"{path} is not there", file=sys.stderr)
                failed = True
                continue
            candidates = []
            for precision in PRECISIONS:
                candidates.append(Path(folder, f"{name}_{precision}.tflite"))
                candidates[-1].write_bytes(quantize_model(path, None, precision).tflite)
            for board in boards:
                for candidate in candidates:
                    row = _row(name, board, _measured(candidate, board))
                    failed |= row[-1] != "exact"
                    table.add_row(*row)
    Console().print(table)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
