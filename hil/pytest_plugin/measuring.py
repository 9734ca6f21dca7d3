"""What the ``measure`` fixture gives a test."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hil.pytest_plugin.choice import BoardUnderTest
from hil.run.faults import FaultKind, fault_of
from host.errors import BoardError
from host.measurement.evidence import evidence_label
from host.measurement.measure import run_measurement
from host.measurement.observer import Silent
from host.measurement.request import MeasureRequest
from protocol.measurement import Measurement, Source


class Measure:
    """Measures a model on one board and returns the record.

    ``measure("model.tflite", profile=True)``: paths are relative to the test's folder where there
    is such a file; other arguments are those of
    :class:`host.measurement.request.MeasureRequest`. The same request is measured once in a test
    run, unless it is to be ``again=True``. Skips the test where the model does not fit the board,
    and where a board that was taken for a physical one turns out to be emulated.
    """

    def __init__(
        self,
        board: BoardUnderTest,
        *,
        base: Path,
        hardware_alone: bool,
        cache: dict[object, object],
        told: Callable[[str, str], None],
    ) -> None:
        self.board = board
        self._base = base
        self._hardware_alone = hardware_alone
        self._cache = cache
        self._told = told

    def __call__(self, model: str | Path, *, again: bool = False, **settings: Any) -> Measurement:
        beside = self._base / model
        request = MeasureRequest(
            model=beside if beside.is_file() else Path(model),
            board=self.board.id,
            port=self.board.port,
            flash_model=settings.pop("flash_model", self.board.flash_model),
            **settings,
        )
        record = self._cache.get(request)
        if again or not isinstance(record, Measurement):
            record = self._cache[request] = self._measure(request)
        self._told(f"{self.board}: {evidence_label(record)}", str(record.evidence.source))
        if self._hardware_alone and record.evidence.source != Source.HARDWARE:
            pytest.skip(f"needs a physical {self.board.id}: {self.board} is emulated")
        return record

    def _measure(self, request: MeasureRequest) -> Measurement:
        try:
            return run_measurement(request, Silent()).record
        except BoardError as error:
            if fault_of(error, emulated=False).kind == FaultKind.DOES_NOT_FIT:
                name = request.model.name if request.model else "the model"
                pytest.skip(f"{name} does not fit {self.board}: {error}")
            raise
