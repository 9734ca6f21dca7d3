"""Gets a model onto a board and has something done with it there."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol, TypeVar

import devices
from host.boards.ports import connected_ports
from host.boards.reach import Board, BoardOnPort, EmulatedBoard, OwnAgent
from host.errors import (
    ConfigError,
    DeadlineExceeded,
    LinkError,
    ProgrammingError,
    WrongBoard,
)
from host.links.base import Link
from host.links.interruptible import InterruptibleLink, StopSignal
from host.measurement.candidates import Candidate, prepare, prepare_largest_example
from host.measurement.engine_candidates import (
    EngineCandidate,
    choose_engine,
    prepare_for_engine,
)
from host.measurement.evidence import find_profile
from host.measurement.observer import Observer, Silent
from host.measurement.request import DEFAULT_BOARD, MeasureRequest
from host.session import LoadedModel, LoadedPlan, Session, upload_model
from protocol.capabilities import Capabilities, WrittenBy
from protocol.messages import Engine, Store

Loaded = LoadedPlan | LoadedModel


class Task(Protocol):
    """What was prepared for a board, a candidate among it."""

    @property
    def candidate(self) -> Candidate | EngineCandidate: ...


TaskT = TypeVar("TaskT", bound=Task)
ResultT = TypeVar("ResultT")


def on_board(
    request: MeasureRequest,
    observer: Observer,
    prepare_task: Callable[[Capabilities], TaskT],
    use: Callable[[Session, TaskT, Loaded], ResultT],
    stop: StopSignal | None = None,
) -> ResultT:
    """Has a board load a candidate, and does something with it; then frees board and lease.

    Args:
        prepare_task: makes it for what the board offers, while the board is not held.
        use: what happens under the lease.
        stop: calls it off from another thread.

    Raises:
        Interrupted: it was called off.
        ConfigError: the request contradicts itself, the catalog or the model.
        BoardError: the board refused, does not offer what is needed, or reset.
        LinkError: there is no way to the board, or it broke.
        DeadlineExceeded: the board did not answer.
    """
    _check_request(request)
    with _reach(request, observer) as board:
        with Session(_open(board, stop), request.session) as session:
            capabilities = _connect(request, session)
            task = prepare_task(capabilities)
            with session.lease():
                if _is_there(session, task.candidate, observer):
                    return use(session, task, _load(session, task.candidate, observer))
        if not request.may_program:
            raise ConfigError(
                f"{capabilities.board} has another plan in its flash, and is not to be programmed",
                hint="program it by hand with this plan, or let the farm file name how: `flash:`",
            )
        _program(board, capabilities.board, task.candidate.data, observer)
        with Session(_open(board, stop), request.session) as session:
            _connect(request, session)
            with session.lease():
                return use(session, task, _load(session, task.candidate, observer))


def release_board(request: MeasureRequest, stop: StopSignal | None = None) -> None:
    """Gives back a lease that the request's ``session`` holds, and nobody else's.

    Raises:
        BoardError: somebody else has it.
        LinkError, DeadlineExceeded, Interrupted: as :func:`on_board`.
    """
    with (
        _reach(request, Silent()) as board,
        Session(_open(board, stop), request.session) as session,
    ):
        _connect(request, session)
        with session.lease():  # released at its end
            pass


def prepare_candidate(
    request: MeasureRequest, capabilities: Capabilities, observer: Observer
) -> Candidate | EngineCandidate:
    """The request's model for what the board offers; without one, the largest example that fits.

    Raises:
        ConfigError: the request contradicts the model or its engine.
        ModelError: the model cannot be read or compiled.
        BoardError: the board lacks the engine, or what the model needs.
    """
    if request.model is None:
        return prepare_largest_example(capabilities, request.plan_store, observer.note)
    engine = choose_engine(request.engine, capabilities, request.model)
    if engine == Engine.JUMP_RT:
        return prepare(request.model, capabilities, request.plan_store)
    if request.plan_store is not None:
        raise ConfigError("--plan-store is for plans: leave it out, or --engine jump_rt")
    return prepare_for_engine(request.model, engine, capabilities, request.threads or 0)


def _check_request(request: MeasureRequest) -> None:
    """What can be refused before any board is started or opened."""
    if request.model is not None and not request.model.is_file():
        raise ConfigError(f"{request.model}: no such file")
    if request.board is not None and find_profile(request.board) is None:
        known = ", ".join(profile.id for profile in devices.load_all())
        raise ConfigError(f"unknown board {request.board!r}", hint=f"known boards: {known}")
    for option, value in (("--flash-model", request.flash_model), ("--link", request.link)):
        if request.port is not None and value is not None:
            raise ConfigError(
                f"{option} is for a board that is started here; the one at --port has its own",
                hint=f"`host emulate pico {option} ...` starts one with it",
            )

    if request.baud is not None and (request.port is None or "://" in request.port):
        raise ConfigError(
            "--baud is the rate of a serial port",
            hint="name one: --port /dev/ttyACM0 --baud 115200",
        )


def _reach(request: MeasureRequest, observer: Observer) -> Board:
    if request.port is not None:
        return BoardOnPort(request.port, request.board, request.baud)
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


def _open(board: Board, stop: StopSignal | None) -> Link:
    return board.open() if stop is None else InterruptibleLink(board.open(), stop)


def _connect(request: MeasureRequest, session: Session) -> Capabilities:
    capabilities = session.connect(request.domain)
    _check_board(request, capabilities)
    return capabilities


def _check_board(request: MeasureRequest, capabilities: Capabilities) -> None:
    if request.board is not None and capabilities.board != request.board:
        raise WrongBoard(
            f"the board at {request.port or 'the emulator'} is {capabilities.board!r}, "
            f"not {request.board!r}",
            hint="check --port, or leave --board out to measure whatever is there",
        )


def _is_there(session: Session, candidate: Candidate | EngineCandidate, observer: Observer) -> bool:
    """False where a programmer has to put the plan there first."""
    if candidate.store is None or not _is_programmed(session.capabilities, candidate.store):
        return True
    if not session.holds(candidate.data, candidate.store):
        return False
    observer.note("the board's flash has this plan already: it was not programmed again")
    return True


def _program(board: Board, name: str, plan: bytes, observer: Observer) -> None:
    """Gets a plan into a store that a session cannot write; the image is new, or it was there."""
    observer.stage(f"programming {name} with its firmware and {len(plan):,} bytes of plan")
    started = time.monotonic()
    try:
        size = board.program(name, plan)
    except (LinkError, DeadlineExceeded) as error:
        raise ProgrammingError(f"programming {name} failed: {error}", hint=error.hint) from error
    observer.note(
        f"{name} cannot write its own flash: an image of {size:,} bytes was programmed "
        f"({time.monotonic() - started:.1f} s)"
    )


def _is_programmed(capabilities: Capabilities, store: Store) -> bool:
    """Whether a programmer alone writes the store."""
    offered = capabilities.store(store)
    return offered is not None and offered.written_by == WrittenBy.PROGRAMMER


def _load(session: Session, candidate: Candidate | EngineCandidate, observer: Observer) -> Loaded:
    """Puts on the board what it lacks, and has it check or load that."""
    board, size = session.capabilities.board, len(candidate.data)
    loaded: Loaded
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
