"""Measures one model on one board: compile, upload, run, check, record."""

from __future__ import annotations

import zlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import attrs
import numpy as np
from numpy.typing import NDArray

from host.compiler import PlannedOp
from host.errors import BoardError, ConfigError, ExitCode
from host.links.interruptible import StopSignal
from host.measurement.candidates import Candidate
from host.measurement.engine_candidates import EngineCandidate
from host.measurement.evidence import evidence_of, is_deterministic
from host.measurement.inputs import Inputs, read_inputs, seeded_inputs
from host.measurement.observer import Observer
from host.measurement.on_board import Loaded, on_board, prepare_candidate
from host.measurement.record import Findings, build_record
from host.measurement.request import DEFAULT_BOARD, MeasureRequest
from host.measurement.series import Runner, Schedule, Series, run_series
from host.reference import ExpectedOutput, expected_output
from host.reference.engines import EngineOutput, engine_output
from host.session import Session, read_report
from protocol.capabilities import Capabilities, Feature
from protocol.measurement import Measurement, Verdict

__all__ = ["DEFAULT_BOARD", "MeasureRequest", "Outcome", "run_measurement"]


@attrs.frozen
class Outcome:
    """The record and what a command returns for it."""

    record: Measurement
    plan_ops: tuple[PlannedOp, ...]
    """The ops behind ``record.ops``."""

    @property
    def exit_code(self) -> ExitCode:
        """A wrong output weighs more than a missed budget."""
        if self.record.output.verdict in (Verdict.MISMATCH, Verdict.NONDETERMINISTIC):
            return ExitCode.MISMATCH
        if self.record.budget is not None and not self.record.budget.met:
            return ExitCode.NOT_MET
        return ExitCode.DONE


def run_measurement(
    request: MeasureRequest, observer: Observer, stop: StopSignal | None = None
) -> Outcome:
    """Does the whole of it; whatever happens, lease, port and emulator are freed.

    Args:
        stop: calls it off from another thread.

    Raises:
        Interrupted: it was called off.
        ConfigError: the request contradicts itself, the catalog or the model.
        ModelError: the model cannot be read or compiled.
        BoardError: the board refused, does not offer what is needed, or reset.
        LinkError: there is no way to the board, or it broke.
        DeadlineExceeded: the board did not answer.
    """
    _check_files(request)

    def prepare(capabilities: Capabilities) -> _Task:
        return _prepare(request, capabilities, observer)

    def measure(session: Session, task: _Task, loaded: Loaded) -> Findings:
        return _measure(request, session, task, loaded, observer)

    findings = on_board(request, observer, prepare, measure, stop)
    return Outcome(build_record(findings), findings.candidate.ops)


@attrs.frozen
class _Task:
    """What is to be run: a plan for one board, or a model for its engine; inputs and outputs."""

    candidate: Candidate | EngineCandidate
    inputs: Inputs
    expected: ExpectedOutput | EngineOutput


def _prepare(request: MeasureRequest, capabilities: Capabilities, observer: Observer) -> _Task:
    if request.profile and not _counts_ops(capabilities):
        raise BoardError(
            f"{capabilities.board} does not count the cycles of its ops",
            hint="leave out --profile",
        )
    candidate = prepare_candidate(request, capabilities, observer)
    if request.profile and isinstance(candidate, EngineCandidate):
        raise ConfigError("--profile is for plans: leave it out, or --engine jump_rt")
    inputs = _inputs(request, candidate)
    for note in inputs.notes:
        observer.note(note)
    observer.stage("computing the expected output")
    return _Task(candidate, inputs, _expected(candidate, inputs, capabilities))


def _counts_ops(capabilities: Capabilities) -> bool:
    return Feature.PROFILE | Feature.CYCLE_COUNTER in capabilities.features


def _expected(
    candidate: Candidate | EngineCandidate, inputs: Inputs, capabilities: Capabilities
) -> ExpectedOutput | EngineOutput:
    if isinstance(candidate, EngineCandidate):
        return engine_output(
            candidate.engine, candidate.path, candidate.contract, inputs.data, capabilities
        )
    return expected_output(candidate.graph, candidate.path.read_bytes(), inputs.data)


def _measure(
    request: MeasureRequest, session: Session, task: _Task, loaded: Loaded, observer: Observer
) -> Findings:
    """What happens under the lease."""
    candidate, inputs = task.candidate, task.inputs
    capabilities = session.capabilities
    observer.stage(f"running {candidate.path.name}")
    evidence = evidence_of(capabilities)
    runner = Runner(
        session,
        macs=candidate.macs or 0,
        inputs=inputs,
        inputs_overwritten=candidate.inputs_overwritten,
    )
    schedule = Schedule.choose(request.warmup, request.iterations, is_deterministic(evidence))
    series = run_series(runner, schedule, capabilities.tick_hz, observer.runs)
    if series.input_crc32 != inputs.crc32:
        raise BoardError(
            f"the board ran another input (CRC-32 0x{series.input_crc32:08x}) than was meant "
            f"(0x{inputs.crc32:08x})",
            hint="flash the firmware that belongs to this version of the host",
        )
    op_ticks: tuple[int, ...] | None = None
    profile = request.profile
    if profile is None:
        profile = isinstance(candidate, Candidate) and _counts_ops(capabilities)
    if profile:
        observer.stage("profiling a further run")
        # The last of two is profiled: the first brings the hooks between ops into a cache.
        series = series.checked_against(runner.run(min(2, runner.max_batch), profile=True))
        op_ticks = session.profile()
    if request.save_output is not None:
        _save_outputs(session, candidate, series, request.save_output)
    return Findings(
        candidate=candidate,
        session=session,
        evidence=evidence,
        loaded=loaded,
        inputs=inputs,
        series=series,
        op_ticks=op_ticks,
        report=read_report(session) if capabilities.engines else None,
        expected=task.expected,
        budget_ms=request.budget_ms,
        at=datetime.now(UTC),
    )


def _check_files(request: MeasureRequest) -> None:
    """What can be refused before any board is started or opened."""
    for path in request.inputs:
        if not path.is_file():
            raise ConfigError(f"{path}: no such file")
    if request.save_output is not None and not request.save_output.parent.is_dir():
        raise ConfigError(f"{request.save_output}: there is no such folder")


def _inputs(request: MeasureRequest, candidate: Candidate | EngineCandidate) -> Inputs:
    if request.inputs:
        return read_inputs(candidate.inputs, request.inputs)
    return seeded_inputs(candidate.inputs, request.seed)


def _save_outputs(
    session: Session, candidate: Candidate | EngineCandidate, series: Series, path: Path
) -> None:
    """Writes output 0 to ``path``, and further ones beside it with their number."""
    contracts = candidate.outputs
    data = [
        session.read_output(index, contract.size_bytes) for index, contract in enumerate(contracts)
    ]
    if series.unstable_at is None and zlib.crc32(b"".join(data)) != series.output_crc32:
        raise BoardError("the output read back is not the one whose CRC-32 the run reported")
    for index, (contract, output) in enumerate(zip(contracts, data, strict=True)):
        array: NDArray[Any] = np.frombuffer(output, contract.dtype).reshape(contract.shape)
        target = path if index == 0 else path.with_stem(f"{path.stem}-{index}")
        with target.open("wb") as file:  # by handle: given a name, NumPy may append .npy to it
            np.save(file, array)
