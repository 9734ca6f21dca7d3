"""Latency, memory, exactness and determinism."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hil.pytest_plugin.measuring import Measure
from hil.suites.conftest import BOARDS
from protocol.measurement import Source, Verdict

pytestmark = pytest.mark.board(*BOARDS)


def test_its_slowest_run_keeps_the_budget(
    measure: Measure, model: Path, budget: dict[str, Any]
) -> None:
    record = measure(model)
    assert record.latency_ms.max <= budget["latency_ms"]


def test_it_keeps_to_its_memory(measure: Measure, model: Path, budget: dict[str, Any]) -> None:
    memory = measure(model).memory
    assert memory.arena_bytes is not None
    assert memory.arena_available_bytes is not None
    assert memory.arena_bytes <= budget["arena_bytes"]
    assert memory.arena_bytes <= memory.arena_available_bytes


def test_its_output_is_tflite_micros_to_the_last_bit(measure: Measure, model: Path) -> None:
    output = measure(model).output
    assert output.verdict == Verdict.EXACT
    assert output.crc32 == output.expected_crc32


def test_another_session_gives_the_same(measure: Measure, model: Path) -> None:
    first, second = measure(model), measure(model, again=True)
    assert second.output.crc32 == first.output.crc32
    assert second.memory.arena_bytes == first.memory.arena_bytes
    if first.evidence.source == Source.EMULATED:
        assert second.cycles == first.cycles


def test_other_inputs_are_computed_as_well(measure: Measure, model: Path) -> None:
    first, other = measure(model), measure(model, seed=1)
    assert other.input.crc32 != first.input.crc32
    assert other.output.verdict == Verdict.EXACT
