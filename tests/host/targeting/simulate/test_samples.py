"""Profiled measurements of the history as samples of the same board and firmware."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import attrs
import pytest

from host.compiler import compile_graph
from host.evidence import History
from host.models import load_model
from host.targeting.simulate.samples import samples_of_history
from host.targeting.simulate.work import work_of
from protocol.measurement import Board, Measurement, OpProfile
from tests.host.targeting.simulate.test_simulation import RECORD
from tests.support.make import ROOT

PLAN = compile_graph(load_model(ROOT / "examples" / "digits_cnn_int8.tflite"))
HEAD: dict[str, Any] = {"board": "pico", "build": "b1", "emulator": "an emulator 1.0"}


def _profiled(**board: Any) -> Measurement:
    ops = tuple(
        OpProfile(index=index, kind=op.kind.name, cycles=1000 + index, macs=op.macs)
        for index, op in enumerate(PLAN.ops)
    )
    return attrs.evolve(
        RECORD,
        ops=ops,
        board=Board(**{"id": "pico", "domain": "mcu", "build": "b1", **board}),
        evidence=attrs.evolve(RECORD.evidence, emulator="an emulator 1.0"),
    )


def test_what_was_profiled_comes_back_as_work(tmp_path: Path) -> None:
    with History.open(str(tmp_path / "h.sqlite")) as history:
        history.add(_profiled(), PLAN.ops)
        found = samples_of_history(history, HEAD)
    assert [sample.cycles for sample in found] == [1000 + i for i in range(len(PLAN.ops))]
    assert [work_of(sample.op) for sample in found] == [work_of(op) for op in PLAN.ops]
    assert {(sample.store, sample.plan_bytes) for sample in found} == {("ram", 900)}


@pytest.mark.parametrize("other", [{"id": "uno"}, {"build": "b2"}])
def test_another_board_or_firmware_teaches_nothing(other: dict[str, str], tmp_path: Path) -> None:
    with History.open(str(tmp_path / "h.sqlite")) as history:
        history.add(_profiled(**other), PLAN.ops)
        history.add(_profiled())  # without the plan's ops: their shapes are not known
        assert samples_of_history(history, HEAD) == []
