"""Published models on the emulated UNO Q: exact, in no more instructions and arena than TFLM takes.

The limits are TensorFlow Lite Micro's with CMSIS-NN, gcc 12.2 at -O2, on the same emulated machine
with the same table of cycles.
"""

from __future__ import annotations

from pathlib import Path

import attrs
import pytest

from hil.emulators.mps2_an505 import Mps2An505Emulator
from host.measurement.measure import MeasureRequest, run_measurement
from host.measurement.observer import Silent
from protocol.measurement import Measurement
from tests.firmware.uno_q.images import PLUGIN, Image
from tests.support.make import make
from tests.support.models import published_model


@attrs.frozen
class Limits:
    arena_bytes: int
    instructions: int | None
    cycles: int | None


LIMITS = {
    "kws_dscnn_int8": Limits(16_512, 7_682_168, 9_577_469),
    "ad01_int8": Limits(2_580, 583_404, 726_107),
    "ic_resnet8_int8": Limits(54_980, 29_969_398, 38_945_695),
    "hello_world_int8": Limits(772, None, None),
}


def measured(model: Path) -> Measurement:
    make(PLUGIN)
    request = MeasureRequest(model=model, board="uno_q", profile=True)
    return run_measurement(request, Silent()).record


@pytest.mark.parametrize("name", LIMITS)
def test_exact_and_no_dearer_than_tflm(agent_image: Image, name: str) -> None:
    assert agent_image.file("bin") == Mps2An505Emulator.default_firmware
    limits, record = LIMITS[name], measured(published_model(name))
    assert record.output.verdict == "exact"
    assert (record.evidence.source, record.evidence.fidelity) == ("emulated", "cycle-estimate")
    assert record.evidence.error_band_pct == 5
    assert record.memory.arena_bytes is not None
    assert record.memory.arena_bytes <= limits.arena_bytes
    assert record.cycles is not None
    assert record.cycles.instructions is not None
    if limits.instructions is not None:
        assert record.cycles.instructions <= limits.instructions
        assert record.cycles.max <= limits.cycles
    assert record.ops is not None
    assert sum(op.cycles for op in record.ops) == pytest.approx(record.cycles.median, rel=0.05)
    assert record.link.retransmits == 0


def test_counts_the_same_each_time(agent_image: Image) -> None:
    model = published_model("kws_dscnn_int8")
    first, second = (measured(model) for _ in range(2))
    assert first.cycles == second.cycles
    assert first.cycles is not None
    assert first.cycles.min == first.cycles.max
    assert first.ops == second.ops
    assert first.output == second.output
    assert first.memory == second.memory
