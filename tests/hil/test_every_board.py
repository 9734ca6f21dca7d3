"""Every model on every emulated board: one answer where it fits, two sizes where it does not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from host.compiler import compile_graph
from host.distillation.quantization import quantize
from host.emulators import emulated_boards
from host.errors import BoardError, ModelError
from host.measurement.measure import MeasureRequest, run_measurement
from host.measurement.observer import Silent
from host.models.loader import load_model
from protocol.measurement import Measurement, Source, Verdict
from tests.support.models import INT8_MODELS, published_model

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
EVERYWHERE = ("digits_mlp_int8", "hello_world_int8")
"""Small enough for the smallest board."""


def model_path(name: str) -> Path:
    example = EXAMPLES / f"{name}.tflite"
    return example if example.is_file() else published_model(name)


def measured(model: Path, board: str) -> Measurement | BoardError:
    """One run, or the board's refusal."""
    request = MeasureRequest(model=model, board=board, iterations=1, warmup=0)
    try:
        return run_measurement(request, Silent()).record
    except BoardError as refusal:
        return refusal


def check_fit(record: Measurement) -> None:
    assert record.output.verdict == Verdict.EXACT
    assert record.evidence.source == Source.EMULATED
    assert 0 < (record.memory.arena_bytes or 0) <= (record.memory.arena_available_bytes or 0)
    assert (record.memory.stack_bytes or 0) > 0


def check_refusal(refusal: BoardError) -> None:
    assert refusal.needed is not None
    assert refusal.available is not None
    assert refusal.needed > refusal.available
    assert f"needs {refusal.needed:,} bytes, has {refusal.available:,}" in str(refusal)


def test_the_rack_is_whole() -> None:
    assert {"uno", "pico", "uno_q", "esp32", "esp32c3"} <= set(emulated_boards())


@pytest.mark.parametrize("name", ["digits_mlp_int8", "digits_cnn_int8", *INT8_MODELS])
def test_one_answer_wherever_it_fits(name: str) -> None:
    model = model_path(name)
    results = {board: measured(model, board) for board in emulated_boards()}
    checksums, refusing = set(), set()
    for board, result in results.items():
        if isinstance(result, BoardError):
            check_refusal(result)
            refusing.add(board)
        else:
            check_fit(result)
            checksums.add(result.output.crc32)
    assert len(checksums) == 1
    assert refusing == (set() if name in EVERYWHERE else {"uno"})


@pytest.mark.parametrize("name", ["digits_mlp", "digits_cnn"])
def test_packed_weights_have_one_answer_where_they_are_executed(name: str, tmp_path: Path) -> None:
    samples = np.load(EXAMPLES / "calibration" / "images.npy")
    graph = load_model(EXAMPLES / f"{name}_float.tflite")
    model = tmp_path / f"{name}_int4.tflite"
    model.write_bytes(quantize(graph, samples[:100], samples[100:120], "int4").tflite)
    records = {}
    for board in emulated_boards():
        if board == "uno":  # whose flash has no room for the kernels
            with pytest.raises(ModelError, match=r"_INT4 .*no kernel for it"):
                measured(model, board)
            continue
        record = measured(model, board)
        assert isinstance(record, Measurement), record
        check_fit(record)
        assert record.candidate.precision == "int4"
        records[board] = record
    assert len({record.output.crc32 for record in records.values()}) == 1
    unpacked_bytes = len(compile_graph(load_model(model_path(f"{name}_int8"))).data)
    assert all(r.candidate.plan_bytes < 0.7 * unpacked_bytes for r in records.values())
