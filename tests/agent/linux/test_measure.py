"""``host measure`` against the Linux agent, over TCP."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import onnxruntime
import psutil
import pytest

from agent.linux.machine import Machine
from host.errors import BoardError, ConfigError, ExitCode, ModelError
from host.links.open import open_link
from host.measurement.measure import MeasureRequest, run_measurement
from host.measurement.observer import Silent
from host.reference import engines
from host.session import Session, upload_model
from host.session.connection import Connection
from protocol.capabilities import Capabilities
from protocol.measurement import Measurement, Source, Verdict
from protocol.messages import Domain, Engine, ModelFormat, Store
from tests.agent.linux.linux_agent import EXAMPLES
from tests.support.linux_agent import listening_agent
from tests.support.models import published_model
from tests.support.pc_agent import build_pc_agent

ONNX = EXAMPLES / "digits_mlp.onnx"
TFLITE = EXAMPLES / "digits_mlp_int8.tflite"


class Notes(Silent):
    """Keeps what the user should know."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)


@pytest.fixture(scope="module")
def port() -> Iterator[str]:
    with listening_agent("--pc-agent", str(build_pc_agent())) as address:
        yield address


def measured(port: str, model: Path, engine: Engine | None = None, **wanted: Any) -> Measurement:
    request = MeasureRequest(model=model, port=port, engine=engine, iterations=5, **wanted)
    outcome = run_measurement(request, Notes())
    assert outcome.exit_code == ExitCode.DONE
    return outcome.record


def check_machine(record: Measurement) -> None:
    """What every record of this agent has."""
    assert (record.board.id, record.board.domain) == ("pc", "mpu")
    assert record.evidence.source == Source.HARDWARE
    assert record.link.transport == "tcp"
    assert record.memory.rss_bytes is not None
    assert record.memory.peak_rss_bytes is not None
    assert 0 < record.memory.rss_bytes <= record.memory.peak_rss_bytes
    assert record == Measurement.from_json(record.to_json())


def test_resnet_on_litert_is_exact_by_its_arithmetic(port: str) -> None:
    model = published_model("ic_resnet8_int8")
    record = measured(port, model, Engine.LITERT, threads=1)
    check_machine(record)
    assert record.output.verdict == Verdict.EXACT
    assert record.output.arithmetic is not None
    assert record.output.arithmetic.startswith("xnnpack (litert 2.")
    assert record.board.engine is not None
    assert record.board.engine.startswith("litert 2.")
    assert record.candidate.plan_bytes == model.stat().st_size
    assert (record.candidate.precision, record.candidate.macs) == ("int8", 12_501_632)
    assert (record.memory.plan_store, record.memory.arena_bytes) == (None, None)


def test_an_onnx_model_on_onnxruntime_is_exact_by_its_arithmetic(port: str) -> None:
    record = measured(port, ONNX, Engine.ONNXRUNTIME, threads=1)
    check_machine(record)
    assert record.output.verdict == Verdict.EXACT
    assert record.output.arithmetic is not None
    assert record.output.arithmetic.startswith("mlas (onnxruntime 1.")
    assert (record.model.format, record.candidate.precision) == ("onnx", "float32")
    assert record.candidate.macs is None


def test_a_plan_is_what_a_board_that_takes_plans_gets(port: str) -> None:
    record = measured(port, TFLITE)
    check_machine(record)
    assert (record.output.verdict, record.output.arithmetic) == (Verdict.EXACT, "tflm-double")
    assert record.board.engine == "jump_rt 0.1.0"
    assert record.memory.plan_store == "ram"
    assert measured(port, TFLITE, Engine.JUMP_RT).output == record.output


def test_a_board_without_plans_gets_the_model_itself() -> None:
    with listening_agent("--no-plans") as port:
        record = measured(port, TFLITE)
        assert record.board.engine is not None
        assert record.board.engine.startswith("litert")
        with pytest.raises(BoardError, match=r"has no jump_rt \(it has: litert, onnxruntime\)"):
            measured(port, TFLITE, Engine.JUMP_RT)


def test_inputs_from_files_and_outputs_to_files(port: str, tmp_path: Path) -> None:
    values = np.linspace(0, 1, 64, dtype=np.float64).reshape(1, 64)
    np.save(tmp_path / "in.npy", values)
    record = measured(
        port,
        ONNX,
        Engine.ONNXRUNTIME,
        inputs=(tmp_path / "in.npy",),
        save_output=tmp_path / "out.npy",
    )
    assert record.output.verdict == Verdict.EXACT
    session = onnxruntime.InferenceSession(ONNX, providers=["CPUExecutionProvider"])
    expected = session.run(None, {session.get_inputs()[0].name: values.astype(np.float32)})[0]
    np.testing.assert_allclose(np.load(tmp_path / "out.npy"), expected, rtol=1e-5)


@pytest.mark.skipif(
    not Machine().uid, reason="this computer has no /etc/machine-id: none is known to be the same"
)
@pytest.mark.parametrize(
    "difference", [{"uid": "00" * 8}, {"core": "aarch64"}, {"emulator": "qemu-aarch64 7.2"}]
)
def test_another_machines_last_bit_is_no_mismatch(
    port: str, monkeypatch: pytest.MonkeyPatch, difference: dict[str, str]
) -> None:
    """On another CPU an equal output is exact, and a different one proves nothing."""
    connect = Connection.connect

    def elsewhere(self: Connection, domain: Domain) -> Capabilities:
        self.capabilities = attrs.evolve(connect(self, domain), **difference)
        return self.capabilities

    monkeypatch.setattr(Connection, "connect", elsewhere)
    assert measured(port, ONNX, Engine.ONNXRUNTIME).output.verdict == Verdict.EXACT
    run = engines._run

    def rounds_otherwise(engine: Engine, path: Path, inputs: Any) -> Any:
        contract, outputs = run(engine, path, inputs)
        return contract, [output + np.spacing(output) for output in outputs]

    monkeypatch.setattr(engines, "_run", rounds_otherwise)
    output = measured(port, ONNX, Engine.ONNXRUNTIME).output
    assert output.verdict == Verdict.UNCHECKED
    assert output.expected_crc32 not in (None, output.crc32)
    monkeypatch.setattr(Connection, "connect", connect)
    request = MeasureRequest(model=ONNX, port=port, engine=Engine.ONNXRUNTIME, iterations=2)
    assert run_measurement(request, Notes()).exit_code == ExitCode.MISMATCH


def test_what_is_not_offered_names_what_is(port: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"litert reads \.tflite files, not digits_mlp\.onnx"):
        measured(port, ONNX, Engine.LITERT)
    with pytest.raises(ConfigError, match="--plan-store is for plans"):
        measured(port, ONNX, Engine.ONNXRUNTIME, plan_store=Store.RAM)
    broken = tmp_path / "broken.tflite"
    broken.write_bytes(TFLITE.read_bytes()[:500])
    with pytest.raises(ModelError, match="litert does not load it"):
        measured(port, broken, Engine.LITERT)


def test_a_large_model_is_refused_before_it_is_sent() -> None:
    with (
        listening_agent("--model-bytes", "1000") as port,
        pytest.raises(BoardError, match="too large for pc") as refusal,
    ):
        measured(port, ONNX, Engine.ONNXRUNTIME)
    assert (refusal.value.needed, refusal.value.available) == (ONNX.stat().st_size, 1000)


def test_a_large_model_is_streamed_to_the_disk(tmp_path: Path) -> None:
    """The agent's own memory does not grow with the model; the engine refuses these bytes."""
    model = random.Random(1).randbytes(50_000_000)
    with (
        listening_agent("--no-plans", "--store", str(tmp_path)) as port,
        Session(open_link(port)) as session,
    ):
        session.connect()
        agent = next(p for p in psutil.Process().children() if str(tmp_path) in p.cmdline())
        before_bytes = agent.memory_info().rss
        with session.lease(), pytest.raises(BoardError, match="MODEL_REFUSED"):
            upload_model(
                session,
                model,
                name="large.tflite",
                model_format=ModelFormat.TFLITE,
                engine=Engine.LITERT,
            )
        assert agent.memory_info().rss - before_bytes < 10_000_000
        (stored,) = tmp_path.glob("model-*")
        assert stored.read_bytes() == model


def test_a_second_host_is_told_who_measures(port: str) -> None:
    with Session(open_link(port)) as first:
        first.connect()
        with first.lease(), pytest.raises(BoardError, match="is in use by"):
            measured(port, TFLITE)
