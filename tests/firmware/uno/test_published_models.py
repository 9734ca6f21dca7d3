"""Models of the examples, and published ones, on the emulated UNO: exact, or refused with sizes."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.uno_kernels import MOST_CYCLES_PER_MAC, figures
from hil.emulators.process import EmulatorProcess
from host.compiler import CompileOptions, compile_graph
from host.errors import BoardError
from host.measurement.measure import MeasureRequest, run_measurement
from host.measurement.observer import Silent
from host.models.loader import load_model
from host.programming.image import write_with_plan
from protocol.errors import ErrorCode
from protocol.measurement import Measurement
from tests.firmware.uno.images import ARENA_BYTES, FLASH_BYTES, STACK_BYTES, Image
from tests.support.make import ROOT
from tests.support.models import published_model

EXAMPLES = ROOT / "examples"
MLP = EXAMPLES / "digits_mlp_int8.tflite"


class Listener(Silent):
    """Keeps the notes."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)


def measured(model: Path, port: str | None = None) -> tuple[Measurement, list[str]]:
    listener = Listener()
    request = MeasureRequest(model=model, board="uno", port=port, profile=True)
    return run_measurement(request, listener).record, listener.notes


def assert_exact(record: Measurement) -> None:
    assert record.output.verdict == "exact"
    assert (record.evidence.source, record.evidence.fidelity) == ("emulated", "cycle")
    assert record.memory.plan_store == "flash"
    assert record.memory.arena_bytes <= record.memory.arena_available_bytes == ARENA_BYTES
    assert record.memory.stack_bytes is not None
    assert 0 < record.memory.stack_bytes < STACK_BYTES
    assert record.link.retransmits == 0


def test_the_digits_mlp_is_exact(agent_image: Image) -> None:
    record, notes = measured(MLP)
    assert_exact(record)
    assert any("an image of " in note and "was programmed" in note for note in notes)


def test_a_published_model_that_fits_is_exact(agent_image: Image) -> None:
    assert_exact(measured(published_model("hello_world_int8"))[0])


def refusal_of(model: Path) -> BoardError:
    with pytest.raises(BoardError) as refusal:
        measured(model)
    return refusal.value


@pytest.mark.parametrize("name", ["kws_dscnn_int8", "ad01_int8", "ic_resnet8_int8"])
def test_a_plan_that_does_not_fit_is_refused_with_its_size(agent_image: Image, name: str) -> None:
    refused = refusal_of(published_model(name))
    assert refused.code == ErrorCode.STORE_TOO_SMALL
    assert refused.available == agent_image.store_bytes
    assert refused.needed is not None
    assert refused.needed > refused.available
    assert f"needs {refused.needed:,} bytes, has {refused.available:,}" in str(refused)
    assert f"{refused.needed - refused.available:,} bytes too large" in str(refused)


def test_an_arena_that_does_not_fit_is_refused_with_its_size(agent_image: Image) -> None:
    refused = refusal_of(EXAMPLES / "digits_cnn_int8.tflite")
    assert refused.code == ErrorCode.ARENA_TOO_SMALL
    assert refused.available == ARENA_BYTES
    assert refused.needed is not None
    assert refused.needed > ARENA_BYTES
    assert f"needs {refused.needed:,} bytes, has {ARENA_BYTES:,}" in str(refused)


def test_an_image_beyond_the_flash_is_refused_by_how_much(
    agent_image: Image, tmp_path: Path
) -> None:
    plan = bytes(agent_image.store_bytes + 7)
    with pytest.raises(BoardError, match=re.escape("are together 7 bytes too large")) as refusal:
        write_with_plan(
            agent_image.file("hex"), plan, tmp_path / "image.hex", limit_bytes=FLASH_BYTES
        )
    assert (refusal.value.needed, refusal.value.available) == (FLASH_BYTES + 7, FLASH_BYTES)


def test_an_image_that_is_there_is_not_written_again(
    agent_image: Image, start: Callable[..., EmulatorProcess], tmp_path: Path
) -> None:
    """Nothing could write this one: a socket has no boot loader."""
    probe, _ = measured(MLP)
    plan = compile_graph(
        load_model(MLP), CompileOptions(arena_limit_bytes=probe.memory.arena_available_bytes)
    )
    assert plan.crc32 == probe.candidate.plan_crc32
    board = start(agent_image.with_plan(plan.data, tmp_path))
    record, notes = measured(MLP, port=f"tcp://127.0.0.1:{board.port}")
    assert_exact(record)
    assert record.cycles is not None
    assert probe.cycles is not None
    assert record.cycles.median == probe.cycles.median
    assert any("has this plan already: it was not programmed again" in note for note in notes)


def test_no_kernel_is_slower_than_promised(agent_image: Image) -> None:
    found = figures(limited=True)
    assert {figure.name for figure in found} == MOST_CYCLES_PER_MAC.keys()
    for figure in found:
        assert figure.passed, figure
