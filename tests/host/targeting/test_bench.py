"""What becomes of a board that cannot be measured, and what is kept of one that can."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

import devices
from host.emulators import find_emulator
from host.errors import BoardError, LinkError
from host.evidence import History, Query
from host.links.interruptible import Interrupted, InterruptibleLink
from host.targeting.bench import EvidenceBench
from host.targeting.catalog import devices_for
from host.targeting.site import Site
from protocol.measurement import Verdict
from tests.host.targeting.world import VECTOR
from tests.support.pc_agent import ROOT, running_agent

MLP = ROOT / "examples" / "digits_mlp_int8.tflite"
PROFILES = devices.load_all()


def site(device: str) -> Site:
    return next(d for d in devices_for(PROFILES) if d.id == device).sites[0]


def bench(**options: Any) -> EvidenceBench:
    return EvidenceBench(VECTOR, {"int8": MLP}, PROFILES, **options)


def test_measures_on_the_emulator_and_keeps_the_record(tmp_path: Path) -> None:
    told: list[str] = []
    with History.open(f"sqlite:///{tmp_path / 'h.db'}") as history:
        trial = bench(history=history, watch=lambda where, text: told.append(text)).try_out(
            site("pico"), "int8"
        )
        kept = list(history.find(Query(board_id="pico")))
    assert trial.record is not None
    assert trial.record.output.verdict == Verdict.EXACT
    assert trial.figure is not None
    assert trial.figure.is_measured
    assert [record.cycles for record in kept] == [trial.record.cycles]
    assert any(text.startswith("run ") for text in told)


def test_a_precision_without_a_model_is_foretold() -> None:
    trial = bench().try_out(site("jumpstation"), "float32")
    assert (trial.record, trial.failure) == (None, None)
    assert trial.figure is not None
    assert not trial.figure.is_measured


def test_an_emulator_that_breaks_is_said_to(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise LinkError("node: out of memory")

    monkeypatch.setattr(type(find_emulator("pico")), "start", broken)
    trial = bench().try_out(site("pico"), "int8")
    assert trial.unmeasured == "could not be measured: node: out of memory"
    assert trial.figure is not None
    assert not trial.figure.is_measured


def test_a_port_with_another_board_is_no_verdict() -> None:
    with running_agent() as port:
        one = bench(ports={"pico": f"tcp://127.0.0.1:{port}"})
        with pytest.raises(BoardError, match="is 'pc', not 'pico'"):
            one.try_out(site("pico"), "int8")


def test_a_board_that_refuses_the_model_fails() -> None:
    cnn = ROOT / "examples" / "digits_cnn_int8.tflite"
    trial = EvidenceBench(VECTOR, {"int8": cnn}, PROFILES).try_out(site("uno"), "int8")
    assert trial.failure is not None
    assert trial.failure.name == "measurement"
    assert trial.failure.unit == "bytes"
    assert trial.failure.violation > 0


def test_nothing_is_started_once_it_is_stopped() -> None:
    one = bench()
    one.stop()
    with pytest.raises(Interrupted):
        one.try_out(site("pico"), "int8")


def test_a_measurement_under_way_is_called_off() -> None:
    seen: list[str] = []
    benches: list[EvidenceBench] = []

    def watch(_: Site, text: str) -> None:
        seen.append(text)
        if text.startswith("uploading"):
            benches[0].stop()

    benches.append(bench(watch=watch))
    with pytest.raises(Interrupted):
        benches[0].try_out(site("pico"), "int8")
    assert not any(text.startswith("run ") for text in seen)


class Silent:
    """A link that never has anything to say."""

    name, transport = "silent", "none"

    def __init__(self) -> None:
        self.written = b""
        self.closed = False

    def read(self, timeout_s: float) -> bytes:
        threading.Event().wait(timeout_s)
        return b""

    def write(self, data: bytes) -> None:
        self.written += data

    def close(self) -> None:
        self.closed = True


def test_an_interruptible_link_raises_once_so_that_the_board_can_be_released() -> None:
    stop, inner = threading.Event(), Silent()
    link = InterruptibleLink(inner, stop)
    assert link.read(0.0) == b""
    threading.Timer(0.1, stop.set).start()
    with pytest.raises(Interrupted):
        link.read(30.0)
    link.write(b"release")
    assert link.read(0.0) == b""
    link.close()
    assert (inner.written, inner.closed) == (b"release", True)
