"""Published models on the emulated Pico: exact, in no more cycles and arena than TFLM takes.

The limits are TensorFlow Lite Micro's with CMSIS-NN, gcc 12.2 at -O2, on the same emulated part.
"""

from __future__ import annotations

from pathlib import Path

import attrs
import numpy as np
import pytest

from host.measurement.measure import MeasureRequest, run_measurement
from host.measurement.observer import Silent
from host.models.graph import Activation, DType, Graph, Op, OpKind, Quantization, Tensor
from host.models.tflite_writer import write_float_tflite
from protocol.measurement import Measurement
from protocol.messages import Store
from tests.support.models import published_model


@attrs.frozen
class Limits:
    arena_bytes: int
    zero_wait_cycles: int
    xip_cycles: int


LIMITS = {
    "kws_dscnn_int8": Limits(16_512, 39_490_871, 39_752_335),
    "ad01_int8": Limits(2_580, 2_359_932, 4_384_948),
    "ic_resnet8_int8": Limits(54_980, 136_666_879, 147_882_783),
    "hello_world_int8": Limits(772, 10_324, 13_684),
}
FLASH_PLAN_BYTES = 300_000


def measured(model: Path, flash_model: str) -> Measurement:
    request = MeasureRequest(
        model=model,
        board="pico",
        flash_model=flash_model,
        plan_store=Store.FLASH,
        profile=True,
    )
    return run_measurement(request, Silent()).record


@pytest.mark.parametrize("flash_model", ["zero-wait", "xip"])
@pytest.mark.parametrize("name", LIMITS)
def test_exact_and_no_dearer_than_tflm(name: str, flash_model: str) -> None:
    record = measured(published_model(name), flash_model)
    limits = LIMITS[name]
    assert record.output.verdict == "exact"
    assert record.evidence.fidelity == "cycle"
    assert record.memory.plan_store == "flash"
    assert record.memory.arena_bytes <= limits.arena_bytes
    assert record.cycles is not None
    limit = limits.xip_cycles if flash_model == "xip" else limits.zero_wait_cycles
    assert record.cycles.median <= limit
    assert record.ops is not None
    assert sum(op.cycles for op in record.ops) == pytest.approx(record.cycles.median, rel=0.02)


def test_a_model_larger_than_ram_runs_from_flash(tmp_path: Path) -> None:
    random = np.random.default_rng(300)
    inputs, outputs = 600, 512

    def tensor(name: str, extent: int, scale: float) -> Tensor:
        quantization = Quantization(np.float32([scale]), np.int64([0]), 0)
        return Tensor(name, (1, extent), DType.INT8, quantization)

    weights = Tensor(
        "weights",
        (outputs, inputs),
        DType.INT8,
        Quantization(np.float32([0.01]), np.int64([0]), 0),
        random.integers(-128, 128, (outputs, inputs), dtype=np.int8),
    )
    graph = Graph(
        name="wide",
        tensors=[tensor("input", inputs, 0.05), weights, tensor("output", outputs, 0.9)],
        ops=[
            Op(
                OpKind.FULLY_CONNECTED,
                [0, 1],
                [2],
                {"activation": Activation.NONE, "keep_num_dims": False},
            )
        ],
        inputs=[0],
        outputs=[2],
        source_format="tflite",
    )
    model = tmp_path / "wide.tflite"
    model.write_bytes(write_float_tflite(graph))
    record = measured(model, "xip")
    assert record.candidate.plan_bytes > FLASH_PLAN_BYTES
    assert record.memory.arena_available_bytes < record.candidate.plan_bytes
    assert record.output.verdict == "exact"
