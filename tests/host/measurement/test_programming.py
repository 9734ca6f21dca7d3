"""A board whose plan comes with its firmware, where nobody may replace that."""

from __future__ import annotations

import pytest

from host.emulators import find_emulator
from host.errors import ConfigError
from host.measurement.measure import run_measurement
from host.measurement.observer import Silent
from host.measurement.request import MeasureRequest
from tests.support.make import ROOT


def test_firmware_that_is_not_ours_stays() -> None:
    board = find_emulator("uno").start()
    request = MeasureRequest(
        model=ROOT / "examples" / "digits_mlp_int8.tflite",
        board="uno",
        port=f"tcp://{board.host}:{board.port}",
        may_program=False,
    )
    try:
        with pytest.raises(ConfigError, match="uno has another plan in its flash"):
            run_measurement(request, Silent())
    finally:
        board.stop()
