"""Published models on both machines: exact, in no more arena than TFLM takes, and the same twice.

The limits are the arenas of TensorFlow Lite Micro with CMSIS-NN for the same models.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from host.errors import BoardError
from host.measurement.measure import MeasureRequest, run_measurement
from host.measurement.observer import Silent
from protocol.errors import ErrorCode
from protocol.measurement import Measurement
from protocol.messages import Store
from tests.firmware.esp32.qemu.machines import Image, Machine
from tests.support.models import published_model

ARENA_LIMIT_BYTES = {
    "kws_dscnn_int8": 16_512,
    "ic_resnet8_int8": 54_980,
}


def measured(machine: Machine, model: Path, store: Store | None = None) -> Measurement:
    request = MeasureRequest(model=model, board=machine.board, plan_store=store)
    return run_measurement(request, Silent()).record


@pytest.mark.parametrize("name", ARENA_LIMIT_BYTES)
def test_exact_in_no_more_arena_than_tflm(machine: Machine, agent_image: Image, name: str) -> None:
    record = measured(machine, published_model(name))
    assert record.output.verdict == "exact"
    assert record.evidence.fidelity == "isa-proxy"
    assert record.evidence.error_band_pct is None
    assert record.memory.arena_bytes <= ARENA_LIMIT_BYTES[name]


def test_a_plan_that_ram_has_no_room_for_goes_to_flash_or_is_refused(
    machine: Machine, agent_image: Image
) -> None:
    model = published_model("ad01_int8")
    assert measured(machine, model).memory.plan_store == "flash"
    with pytest.raises(BoardError) as refusal:
        measured(machine, model, Store.RAM)
    assert refusal.value.code == ErrorCode.STORE_TOO_SMALL
    assert refusal.value.needed is not None
    assert refusal.value.available is not None
    assert refusal.value.needed > machine.pool_bytes > refusal.value.available


def test_counts_the_same_instructions_each_time(machine: Machine, agent_image: Image) -> None:
    model = published_model("hello_world_int8")
    first, second = (measured(machine, model) for _ in range(2))
    assert first.cycles is not None
    assert first.cycles == second.cycles
    assert first.cycles.min == first.cycles.max
    assert first.output == second.output
    assert first.memory == second.memory
