"""Replays on real agents: right ones, and ones with a kernel made wrong in a test build."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import attrs
import numpy as np
import pytest
from numpy.typing import NDArray

from hil.golden import ReplayResult, make_golden, replay
from hil.golden.golden_set import as_real
from hil.golden.text import replay_text
from host.errors import ConfigError, ExitCode
from host.measurement.observer import Silent
from host.measurement.request import MeasureRequest
from host.models import load_model
from host.models.graph import Graph, Op, OpKind
from host.reference import reference_run
from host.reference.kernels import KERNELS
from protocol.messages import Engine, Store
from tests.firmware.rp2040.images import built
from tests.hil.golden.conftest import SAMPLES, AgentWith, Kept
from tests.support.boards import started
from tests.support.linux_agent import listening_agent
from tests.support.make import BUILD_DIR
from tests.support.micropython_agent import running_micropython_agent
from tests.support.pc_agent import running_agent

Int8Array = NDArray[np.int8]


def replayed(kept: Kept, keep: Path | None = None, **where: object) -> ReplayResult:
    request = MeasureRequest(model=kept.model, **where)  # type: ignore[arg-type]
    return replay(kept.golden, request, Silent(), keep=keep)


@pytest.fixture
def faulty_outputs(small: Kept, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Int8Array]:
    """What the network makes of the samples with a fault of firmware/runtime/faults."""
    right = KERNELS[OpKind.AVERAGE_POOL_2D]

    def flip(graph: Graph, op: Op, inputs: list[Int8Array]) -> Int8Array:
        output = right(graph, op, inputs).copy()
        first = output.reshape(-1)[:1]
        first[(first & 3) == 3] ^= 0x40
        return output

    def spoil(graph: Graph, op: Op, inputs: list[Int8Array]) -> Int8Array:
        output = right(graph, op, inputs)
        inputs[0].reshape(-1)[0] ^= 0x40
        return output

    def outputs(fault: str) -> Int8Array:
        monkeypatch.setitem(KERNELS, OpKind.AVERAGE_POOL_2D, {"FLIP": flip, "SPOIL": spoil}[fault])
        graph = load_model(small.model)
        runs = [reference_run(graph, [sample]) for sample in small.golden.inputs[0]]
        monkeypatch.undo()
        return np.stack([run[graph.outputs[0]] for run in runs])

    return outputs


def assert_flip_is_found(result: ReplayResult, small: Kept, wrong: Int8Array) -> None:
    """The samples that show it, and the op that does it."""
    differs = (wrong != small.golden.outputs[0]).reshape(SAMPLES, -1).any(axis=1)
    samples = np.flatnonzero(differs)
    assert 1 < len(samples) < SAMPLES, "the fault is to show in some samples alone"
    assert samples[0] > 0
    assert result.exit_code == ExitCode.MISMATCH
    assert result.output_mismatches == result.failed_samples == len(samples)
    assert [failure.sample for failure in result.failures] == list(samples[:10])
    assert result.input_mismatches == 0
    triage = result.triage
    assert triage is not None
    assert triage.sample == samples[0]
    assert [line.split(":")[0] for line in triage.lines[:4]] == [
        "input digest",
        "logits",
        "layers",
        "operator",
    ]
    assert triage.op is not None
    assert (triage.op.index, triage.op.kind, triage.op.cause) == (1, "AVERAGE_POOL_2D", "operator")
    assert (triage.op.first_element, triage.op.different) == (0, 1)
    assert abs(triage.op.found - triage.op.expected) == 0x40


def test_the_posix_agent_makes_of_every_sample_what_the_set_has(
    small: Kept, tmp_path: Path
) -> None:
    started_at = time.monotonic()
    result = replayed(small, tmp_path / "kept", board="pc", budget_ms=1000.0)
    took_s = time.monotonic() - started_at
    assert result.passed
    assert result.exit_code == ExitCode.DONE
    assert result.samples == SAMPLES
    assert (result.golden_sha256, result.model_sha256) == (
        small.golden.sha256,
        small.golden.model.sha256,
    )
    assert result.output_mismatches == result.input_mismatches == 0
    assert result.tolerance_violations is None, "the set has no float reference"
    assert 0 < result.timing.median <= result.timing.max < 1000
    assert not (tmp_path / "kept").exists(), "tensors are kept of mismatches alone"
    assert took_s < 10, "a sample is two or three frames each way"


def test_a_missed_budget_is_told_apart_from_a_mismatch(small: Kept) -> None:
    result = replayed(small, board="pc", budget_ms=1e-9)
    assert result.passed
    assert result.exit_code == ExitCode.NOT_MET
    assert "MISSED" in replay_text(result)


def test_a_wrong_kernel_is_named_with_the_first_sample_that_shows_it(
    small: Kept,
    agent_with: AgentWith,
    faulty_outputs: Callable[[str], Int8Array],
    tmp_path: Path,
) -> None:
    with agent_with("FLIP") as port:
        result = replayed(small, tmp_path / "kept", port=port)
    wrong = faulty_outputs("FLIP")
    assert_flip_is_found(result, small, wrong)
    first = result.failures[0]
    assert first.tensors is not None
    with np.load(first.tensors) as kept:
        np.testing.assert_array_equal(kept["output_0_found"], wrong[first.sample])
        np.testing.assert_array_equal(kept["input_0"], small.golden.inputs[0][first.sample])
    (of_op,) = (tmp_path / "kept").glob("*-op-1.npz")
    with np.load(of_op) as kept:
        np.testing.assert_array_equal(kept["op_input_0_found"], kept["op_input_0_expected"])
        assert (kept["op_output_found"] != kept["op_output_expected"]).sum() == 1
    assert "first divergent op is op 1 AVERAGE_POOL_2D" in replay_text(result)
    decided = small.golden.rule.decide(as_real(wrong, small.golden.output_contracts[0]))
    expected = small.golden.decisions
    assert decided.classes is not None
    assert expected.classes is not None
    assert result.decision_mismatches == (decided.classes != expected.classes).sum()
    assert result.reject_mismatches == (decided.rejected != expected.rejected).sum()


def test_an_op_that_spoils_what_another_reads_is_told_from_a_wrong_one(
    small: Kept, agent_with: AgentWith, faulty_outputs: Callable[[str], Int8Array]
) -> None:
    with agent_with("SPOIL") as port:
        result = replayed(small, port=port)
    differs = (faulty_outputs("SPOIL") != small.golden.outputs[0]).reshape(SAMPLES, -1).any(axis=1)
    assert result.output_mismatches == differs.sum()
    assert result.triage is not None
    op = result.triage.op
    assert op is not None
    assert (op.index, op.kind, op.cause, op.overwritten_by) == (2, "ADD", "arena", 1)
    assert result.triage.lines[-1] == "arena: what ADD reads was right once, and op 1 overwrote it"


def test_an_emulated_pico_is_right_and_a_wrong_kernel_is_found_on_it(
    small: Kept, faulty_outputs: Callable[[str], Int8Array]
) -> None:
    with started(lambda image: image.start("zero-wait")) as start:
        right = start(built(BUILD_DIR))
        result = replayed(small, port=f"tcp://127.0.0.1:{right.port}", plan_store=Store.FLASH)
        assert result.passed, replay_text(result)
        assert str(result.evidence.source) == "emulated"
        right.stop()
        wrong = start(built(BUILD_DIR / "pico-flip", "FLIP=1"))
        result = replayed(small, port=f"tcp://127.0.0.1:{wrong.port}")
    assert_flip_is_found(result, small, faulty_outputs("FLIP"))


def test_the_micropython_agent_replays_too(small: Kept) -> None:
    with running_micropython_agent("cpython") as port:
        result = replayed(small, port=f"tcp://127.0.0.1:{port}")
    assert result.passed, replay_text(result)


def with_another_reference(kept: Kept, sample: int) -> Kept:
    """As if ``sample`` had to come out with its first two classes exchanged."""
    outputs = kept.golden.outputs[0].copy()
    outputs[sample, 0, :2] = outputs[sample, 0, 1::-1]
    return attrs.evolve(kept, golden=attrs.evolve(kept.golden, outputs=(outputs,)))


def test_an_engine_is_judged_by_decisions_and_shows_no_layers(small: Kept) -> None:
    with listening_agent() as port:
        right = replayed(small, port=port, engine=Engine.LITERT)
        wrong = replayed(with_another_reference(small, 7), port=port, engine=Engine.LITERT)
    assert "litert" in (right.board.engine or "")
    assert not right.is_bit_exact
    assert any("arithmetic of its own" in note for note in right.notes)
    # A wrong last bit alone is no failure: LiteRT rounds once where TFLM rounds twice.
    assert right.decision_mismatches <= 1
    assert wrong.decision_mismatches == right.decision_mismatches + 1
    assert 7 in [failure.sample for failure in wrong.failures]
    assert wrong.exit_code == ExitCode.MISMATCH
    assert wrong.triage is not None
    assert wrong.triage.op is None
    assert "layers: cannot be replayed: litert" in wrong.triage.lines[-1]


def test_layers_are_not_judged_by_a_reference_that_is_not_the_sets(small: Kept) -> None:
    result = replayed(with_another_reference(small, 7), board="pc")
    assert result.failed_samples == 1
    assert result.triage is not None
    assert result.triage.op is None
    assert "this host's reference is not the set's own" in result.triage.lines[-1]


def test_another_model_is_refused_before_a_board_is_reached(small: Kept, tmp_path: Path) -> None:
    changed = tmp_path / "small.tflite"
    changed.write_bytes(small.model.read_bytes() + b"\0")
    with pytest.raises(ConfigError, match="is for another model"):
        replayed(attrs.evolve(small, model=changed), port="/dev/no-such-port")


def test_a_session_uploads_the_plan_once(small: Kept) -> None:
    stages: list[str] = []

    class Listening(Silent):
        def stage(self, text: str) -> None:
            stages.append(text)

    with running_agent() as port:
        request = MeasureRequest(model=small.model, port=f"tcp://127.0.0.1:{port}")
        replay(small.golden, request, Listening())
    assert [stage.split()[0] for stage in stages] == ["uploading", "replaying"]


def test_a_set_with_a_float_reference_counts_violations(small: Kept) -> None:
    root = Path(__file__).resolve().parents[3] / "examples"
    golden = make_golden(
        root / "digits_mlp_int8.tflite",
        root / "test" / "images.npy",
        "digits",
        float_model=root / "digits_mlp.onnx",
        tolerance=0.005,
    )
    request = MeasureRequest(model=root / "digits_mlp_int8.tflite", board="pc")
    result = replay(golden, request, Silent())
    own = golden.reference_violations
    assert own is not None
    assert own.sum() > 0
    assert result.tolerance_violations == result.reference_violations == own.sum()
    assert result.new_violations == 0
    assert result.passed, "what the reference itself does is not the board's fault"
