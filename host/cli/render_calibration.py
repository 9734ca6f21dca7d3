"""A calibration as people read it: how well each way of an op is foretold."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from host.targeting.simulate.calibrate import Calibrated


def print_calibration(done: Calibrated) -> None:
    """One row a way and plan store; the errors are of ops that the fit had not seen."""
    calibration = done.calibration
    where = calibration.emulator or f"{calibration.source} at {calibration.clock_hz / 1e6:g} MHz"
    table = Table(title=f"{calibration.board}, {where}: {calibration.samples:,} ops")
    table.add_column("op")
    table.add_column("plan in")
    for name in ("ops", "median error", "90 % within", "largest"):
        table.add_column(name, justify="right")
    for (way, store), entry in calibration.fits.items():
        residuals = entry.residuals
        table.add_row(
            way,
            store,
            str(residuals.count),
            *(
                f"{100 * error:.1f} %"
                for error in (residuals.median, residuals.p90, residuals.largest)
            ),
        )
    Console().print(table)
    print(f"Wrote {done.path} (samples: {done.samples_path.name})")
