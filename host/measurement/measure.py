"""Measures one model on one board: compile, upload, run, check, record."""

from __future__ import annotations

import threading
import time
import zlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import attrs
import numpy as np
from numpy.typing import NDArray

import devices
from host.boards.ports import connected_ports
from host.boards.reach import Board, BoardOnPort, EmulatedBoard, OwnAgent
from host.compiler import PlannedOp
from host.errors import BoardError, ConfigError, ExitCode
from host.links.base import Link
from host.links.interruptible import InterruptibleLink
from host.measurement.candidates import Candidate, prepare, prepare_largest_example
from host.measurement.engine_candidates import (
    EngineCandidate,
    choose_engine,
    prepare_for_engine,
)
from host.measurement.evidence import evidence_of, find_profile, is_deterministic
from host.measurement.inputs import Inputs, read_inputs, seeded_inputs
from host.measurement.record import Findings, build_record
from host.measurement.series import Runner, Schedule, Series, run_series
from host.reference import ExpectedOutput, expected_output
from host.reference.engines import EngineOutput, engine_output
from host.session import LoadedModel, LoadedPlan, Session, read_report, upload_model
from protocol.capabilities import Capabilities, Feature, WrittenBy
from protocol.measurement import Measurement, Verdict
from protocol.messages import Domain, Engine, Store

DEFAULT_BOARD = "pico"


@attrs.frozen(kw_only=True)
class MeasureRequest:
    """What to measure and how. None leaves the choice to what the board offers.

    Without ``port`` the board is emulated. ``budget_ms`` is judged on the slowest run.
    """

    model: Path | None = None
    board: str | None = None
    port: str | None = None
    iterations: int | None = None
    warmup: int | None = None
    seed: int = 0
    inputs: tuple[Path, ...] = ()
    save_output: Path | None = None
    plan_store: Store | None = None
    flash_model: str | None = None
    link: str | None = None
    domain: Domain = Domain.ANY
    engine: Engine | None = None
    threads: int | None = None
    profile: bool = False
    budget_ms: float | None = None


class Observer(Protocol):
    """Is told how a measurement goes on."""

    def stage(self, text: str) -> None:
        """What is being done now."""

    def note(self, text: str) -> None:
        """What the user should know of how the result came about."""

    def upload(self, done: int, total: int) -> None:
        """Bytes of the plan."""

    def runs(self, done: int, total: int) -> None:
        """Iterations, warm-ups included."""


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
    request: MeasureRequest, observer: Observer, stop: threading.Event | None = None
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
    _check_request(request)
    with _reach(request, observer) as board:
        with Session(_open(board, stop)) as session:
            capabilities = _connect(request, session)
            task = _prepare(request, capabilities, observer)
            expected = _expected(task, capabilities, observer)
            with session.lease():
                findings = _measure_if_held(request, session, task, observer)
        if findings is None:
            _program(board, capabilities.board, task.candidate.data, observer)
            with Session(_open(board, stop)) as session:
                _connect(request, session)
                with session.lease():
                    findings = _measure(request, session, task, observer)
    record = build_record(attrs.evolve(findings, expected=expected))
    return Outcome(record, task.candidate.ops)


def _open(board: Board, stop: threading.Event | None) -> Link:
    return board.open() if stop is None else InterruptibleLink(board.open(), stop)


@attrs.frozen
class _Task:
    """What is to be run: a plan for one board, or a model for its engine; and the inputs."""

    candidate: Candidate | EngineCandidate
    inputs: Inputs


def _connect(request: MeasureRequest, session: Session) -> Capabilities:
    capabilities = session.connect(request.domain)
    _check_board(request, capabilities)
    return capabilities


def _prepare(request: MeasureRequest, capabilities: Capabilities, observer: Observer) -> _Task:
    candidate: Candidate | EngineCandidate
    if request.model is None:
        candidate = prepare_largest_example(capabilities, request.plan_store, observer.note)
    else:
        engine = choose_engine(request.engine, capabilities, request.model)
        if engine == Engine.JUMP_RT:
            candidate = prepare(request.model, capabilities, request.plan_store)
        else:
            _check_engine_request(request)
            threads = request.threads or 0
            candidate = prepare_for_engine(request.model, engine, capabilities, threads)
    inputs = _inputs(request, candidate)
    for note in inputs.notes:
        observer.note(note)
    return _Task(candidate, inputs)


def _expected(
    task: _Task, capabilities: Capabilities, observer: Observer
) -> ExpectedOutput | EngineOutput:
    observer.stage("computing the expected output")
    candidate = task.candidate
    if isinstance(candidate, EngineCandidate):
        return engine_output(
            candidate.engine, candidate.path, candidate.contract, task.inputs.data, capabilities
        )
    return expected_output(candidate.graph, candidate.path.read_bytes(), task.inputs.data)


def _program(board: Board, name: str, plan: bytes, observer: Observer) -> None:
    """Gets a plan into a store that a session cannot write; the image is new, or it was there."""
    observer.stage(f"programming {name} with its firmware and {len(plan):,} bytes of plan")
    started = time.monotonic()
    size = board.program(name, plan)
    observer.note(
        f"{name} cannot write its own flash: an image of {size:,} bytes was programmed "
        f"({time.monotonic() - started:.1f} s)"
    )


def _is_programmed(capabilities: Capabilities, store: Store) -> bool:
    """Whether a programmer alone writes the store."""
    offered = capabilities.store(store)
    return offered is not None and offered.written_by == WrittenBy.PROGRAMMER


def _measure_if_held(
    request: MeasureRequest, session: Session, task: _Task, observer: Observer
) -> Findings | None:
    """None where a programmer has to put the plan there first."""
    candidate = task.candidate
    if candidate.store is not None and _is_programmed(session.capabilities, candidate.store):
        if not session.holds(candidate.data, candidate.store):
            return None
        observer.note("the board's flash has this plan already: it was not programmed again")
    return _measure(request, session, task, observer)


def _measure(
    request: MeasureRequest, session: Session, task: _Task, observer: Observer
) -> Findings:
    """What happens under the lease."""
    candidate, inputs = task.candidate, task.inputs
    capabilities = session.capabilities
    loaded = _load(session, candidate, observer)
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
    if request.profile:
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
        budget_ms=request.budget_ms,
        at=datetime.now(UTC),
    )


def _load(
    session: Session, candidate: Candidate | EngineCandidate, observer: Observer
) -> LoadedPlan | LoadedModel:
    """Puts on the board what it lacks, and has it check or load that."""
    board, size = session.capabilities.board, len(candidate.data)
    loaded: LoadedPlan | LoadedModel
    if isinstance(candidate, EngineCandidate):
        observer.stage(
            f"uploading {size:,} bytes for {candidate.version} of {board} on {session.link.name}"
        )
        loaded = upload_model(
            session,
            candidate.data,
            name=candidate.path.name,
            model_format=candidate.model_format,
            engine=candidate.engine,
            threads=candidate.threads,
            observer=observer.upload,
        )
        programmed = False
    else:
        programmed = _is_programmed(session.capabilities, candidate.store)
        observer.stage(
            f"{'checking' if programmed else 'uploading'} {size:,} bytes "
            f"{'in' if programmed else 'to'} the {candidate.store.name.lower()} of {board} "
            f"on {session.link.name}"
        )
        loaded = session.upload(candidate.data, candidate.store, observer.upload)
    if loaded.bytes_skipped == size and not programmed:
        what = "model" if isinstance(candidate, EngineCandidate) else "plan"
        observer.note(f"the board had this {what} already: nothing was uploaded")
    return loaded


def _check_engine_request(request: MeasureRequest) -> None:
    """What only a plan has."""
    for option, value in (("--profile", request.profile), ("--plan-store", request.plan_store)):
        if value:
            raise ConfigError(f"{option} is for plans: leave it out, or --engine jump_rt")


def _check_request(request: MeasureRequest) -> None:
    """What can be refused before any board is started or opened."""
    for path in (request.model, *request.inputs):
        if path is not None and not path.is_file():
            raise ConfigError(f"{path}: no such file")
    if request.save_output is not None and not request.save_output.parent.is_dir():
        raise ConfigError(f"{request.save_output}: there is no such folder")
    if request.board is not None and find_profile(request.board) is None:
        known = ", ".join(profile.id for profile in devices.load_all())
        raise ConfigError(f"unknown board {request.board!r}", hint=f"known boards: {known}")
    for option, value in (("--flash-model", request.flash_model), ("--link", request.link)):
        if request.port is not None and value is not None:
            raise ConfigError(
                f"{option} is for a board that is started here; the one at --port has its own",
                hint=f"`host emulate pico {option} ...` starts one with it",
            )


def _reach(request: MeasureRequest, observer: Observer) -> Board:
    if request.port is not None:
        return BoardOnPort(request.port, request.board)
    board = request.board or DEFAULT_BOARD
    if _is_this_computer(board):
        if request.flash_model is not None or request.link is not None:
            raise ConfigError(f"{board} is not emulated: it has no --flash-model and no --link")
        observer.stage("starting the agent on this computer")
        return OwnAgent()
    connected = [port for port in connected_ports(devices.load_all()) if port.board == board]
    if len(connected) == 1:
        observer.note(
            f"a {board} is connected, but without --port it is the emulated one that is measured: "
            f"`--port {connected[0].device}` measures the connected one"
        )
    observer.stage(f"starting the emulated {board}")
    return EmulatedBoard(board, flash_model=request.flash_model, link=request.link)


def _is_this_computer(board: str) -> bool:
    profile = find_profile(board)
    return profile is not None and any(way.kind == "process" for way in profile.transports)


def _check_board(request: MeasureRequest, capabilities: Capabilities) -> None:
    if request.board is not None and capabilities.board != request.board:
        raise BoardError(
            f"the board at {request.port or 'the emulator'} is {capabilities.board!r}, "
            f"not {request.board!r}",
            hint="check --port, or leave --board out to measure whatever is there",
        )
    needed = Feature.PROFILE | Feature.CYCLE_COUNTER
    if request.profile and needed not in capabilities.features:
        raise BoardError(
            f"{capabilities.board} does not count the cycles of its ops",
            hint="leave out --profile",
        )


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
