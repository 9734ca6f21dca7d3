"""A board's calibrated cost model, kept in ``devices/<id>/calibration.json``."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import attrs
import numpy as np

from host.compiler import PlannedOp
from host.errors import ConfigError
from host.files import write_text
from host.targeting.simulate.fit import INTERVAL, Fit, Residuals
from host.targeting.simulate.learning import counts_in, find_flash_cache, fits_of
from host.targeting.simulate.samples import Sample
from host.targeting.simulate.work import UNPACKED, work_of

SCHEMA = "calibration/1"
FILE_NAME = "calibration.json"
_RECORD_BYTES = 128
"""Of an op and its output tensor in a plan, about."""
_LEAST_ERROR = 0.02
"""No prediction claims to be closer than this."""
_PACKED_ERROR = 0.5
"""Where packed weights were not measured, but the same work with bytes."""
_UNKNOWN_WAY_ERROR = 1.0
"""Where no op of the kind and way was measured: a factor of two."""


@attrs.frozen
class Prediction:
    """Cycles, and the bounds that hold ``INTERVAL`` of the results."""

    cycles: float
    low: float
    high: float


@attrs.frozen
class Typical:
    """Cycles a multiply-accumulate over measured convolutions and fully connected layers."""

    median: float
    low: float
    high: float


@attrs.frozen(kw_only=True)
class Calibration:
    """Cycles of each way of an op on one board, and what they were measured on."""

    board: str
    domain: str
    core: str
    clock_hz: int
    pool_bytes: int
    firmware: str
    build: str
    engine: str
    source: str
    fidelity: str
    emulator: str | None
    error_band_pct: float | None
    at: datetime
    samples: int
    stores: tuple[str, ...]
    flash_cache_bytes: int | None
    """Of the cache in front of the flash, as the measurements show it; None: they show none."""
    fits: dict[tuple[str, str], Fit]
    """By way and plan store."""
    typical: Typical

    @classmethod
    def fitted(cls, head: dict[str, Any], samples: Sequence[Sample]) -> Self:
        """The model that explains ``samples`` best.

        Raises:
            ConfigError: there is nothing in them to fit.
        """
        stores = tuple(sorted({sample.store for sample in samples}, reverse=True))  # ram, flash
        cache_bytes = find_flash_cache(samples)
        fits = fits_of(samples, stores, cache_bytes)
        if not fits:
            raise ConfigError("there are too few measured ops to fit a cost model to")
        return cls(
            **head,
            samples=len(samples),
            stores=stores,
            flash_cache_bytes=cache_bytes,
            fits=fits,
            typical=_typical(samples),
        )

    @classmethod
    def read(cls, path: Path) -> Self:
        """Reads the file.

        Raises:
            ConfigError: it cannot be read, or is of another version.
        """
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
            if values.pop("schema") != SCHEMA:
                raise ConfigError(
                    f"{path}: not of version {SCHEMA}", hint="`host calibrate` makes a new one"
                )
            fits = {
                (entry["way"], entry["store"]): Fit(
                    entry["cycles"], Residuals(**entry["residuals"])
                )
                for entry in values.pop("fits")
            }
            return cls(
                **{
                    **values,
                    "at": datetime.fromisoformat(values["at"]),
                    "stores": tuple(values["stores"]),
                    "typical": Typical(**values["typical"]),
                    "fits": fits,
                }
            )
        except OSError as error:
            raise ConfigError(f"{path}: {error.strerror or error}") from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ConfigError(
                f"{path}: no calibration: {error!r}", hint="`host calibrate` makes a new one"
            ) from error

    def write(self, path: Path) -> None:
        """Writes it, a fit a line, so that two of them can be compared."""
        values = attrs.asdict(self, filter=attrs.filters.exclude("fits"))
        values = {"schema": SCHEMA, **values, "at": self.at.astimezone(UTC).isoformat()}
        fits = [
            {
                "way": way,
                "store": store,
                "cycles": {name: float(f"{w:.6g}") for name, w in entry.weights.items()},
                "residuals": {
                    name: round(value, 5) for name, value in attrs.asdict(entry.residuals).items()
                },
            }
            for (way, store), entry in self.fits.items()
        ]
        lines = [f'  "{name}": {json.dumps(value)},' for name, value in values.items()]
        rows = ",\n".join(f"    {json.dumps(entry)}" for entry in fits)
        write_text(path, "\n".join(["{", *lines, '  "fits": [', rows, "  ]", "}"]) + "\n")

    def store_for(self, ops: Sequence[PlannedOp]) -> str:
        """Where a plan of these ops goes: RAM if it fits beside its arena, else flash.

        The arena is taken as the largest op needs it: the planner's own is rarely more.
        """
        if len(self.stores) == 1:
            return self.stores[0]
        plan_bytes = sum(op.constant_bytes + _RECORD_BYTES for op in ops)
        arena_bytes = max(
            sum(op.input_bytes) + op.output_bytes * (not op.in_place) + op.scratch_bytes
            for op in ops
        )
        return "ram" if plan_bytes + arena_bytes <= self.pool_bytes else "flash"

    def predict(self, ops: Iterable[PlannedOp], store: str | None = None) -> Prediction:
        """The cycles of one inference.

        The errors of its ops are taken as all in one direction, because ops of one kind err alike.

        Args:
            store: where the plan lies; None: where it would be put.
        """
        ops = list(ops)
        where = store or self.store_for(ops)
        plan_bytes = sum(op.constant_bytes for op in ops)
        cycles = spread = 0.0
        for op in ops:
            value, error = self._predict_op(op, where, plan_bytes)
            cycles += value
            spread += value * error
        error = max(spread / cycles, _LEAST_ERROR) if cycles else 0.0
        return Prediction(cycles, cycles / (1.0 + error), cycles * (1.0 + error))

    def predict_macs(self, macs: float) -> Prediction:
        """The same where nothing but the number of multiply-accumulates is known."""
        typical = self.typical
        return Prediction(macs * typical.median, macs * typical.low, macs * typical.high)

    def _predict_op(self, op: PlannedOp, store: str, plan_bytes: int) -> tuple[float, float]:
        """Cycles, and the relative error that ``INTERVAL`` of such ops stay within."""
        work = work_of(op)
        counts = counts_in(work, op, store, plan_bytes, self.flash_cache_bytes)
        known = self.fits.get((work.way, store))
        if known is not None:
            return known.cycles(counts), known.residuals.p90
        if op.kind in UNPACKED:
            unpacked = attrs.evolve(op, kind=UNPACKED[op.kind])
            cycles, error = self._predict_op(unpacked, store, plan_bytes)
            return cycles, max(error, _PACKED_ERROR)
        kin = [entry for (way, _), entry in self.fits.items() if way == work.way] or [
            entry for (way, _), entry in self.fits.items() if way.partition("/")[0] == work.kind
        ]
        if kin:
            return max(entry.cycles(counts) for entry in kin), _UNKNOWN_WAY_ERROR
        moved = op.macs or sum(op.input_bytes) + op.output_bytes
        return moved * self.typical.median, _UNKNOWN_WAY_ERROR


def _typical(samples: Iterable[Sample]) -> Typical:
    """Of a multiply-accumulate picked anywhere in the sweep: large ops count for more.

    Kernels that were given no scratch are left out: a planner that has the room gives it.
    """
    works = [(sample, work_of(sample.op).way) for sample in samples if sample.op.macs]
    chosen = [sample for sample, way in works if "plain" not in way] or [s for s, _ in works]
    if not chosen:
        raise ConfigError("no op with multiply-accumulates was measured")
    rates = np.array([sample.cycles / sample.op.macs for sample in chosen])
    macs = np.array([sample.op.macs for sample in chosen], np.float64)
    outside = (1.0 - INTERVAL) / 2.0
    low, median, high = (
        float(rate)
        for rate in np.quantile(
            rates, [outside, 0.5, 1.0 - outside], weights=macs, method="inverted_cdf"
        )
    )
    return Typical(median, low, high)
