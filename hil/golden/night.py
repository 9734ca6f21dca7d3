"""Replays every golden set on every board of a farm: each board on its own, and all at once."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import attrs

from hil.farm import BoardKind, FarmBoard, placed
from hil.golden.golden_set import GoldenSet
from hil.golden.replay import replay
from hil.golden.result import ReplayResult
from hil.golden.storage import SUFFIX, load_golden
from hil.run.faults import Fault, FaultKind, fault_of
from host.errors import ConfigError
from host.links.interruptible import Interrupted, StopSignal
from host.measurement.observer import Silent
from host.measurement.request import MeasureRequest
from host.waiting import result_of

_ATTEMPTS = 2
"""Where another try makes sense: the board or its link failed, and not the model."""

_UNFIT = (FaultKind.DOES_NOT_FIT, FaultKind.NOT_SUPPORTED)


@attrs.frozen(kw_only=True)
class NightReplay:
    """One set on one board of the farm, ``RACK/BOARD``: a result, or why there is none."""

    golden: str
    model: str
    board: str
    result: ReplayResult | None = None
    fault: Fault | None = None

    @property
    def name(self) -> str:
        """For people, and the JUnit report."""
        return f"golden set {self.golden} on {self.board}"

    @property
    def is_wrong(self) -> bool:
        """Whether a sample was not as the set has it."""
        return self.result is not None and not self.result.passed

    @property
    def is_unfit(self) -> bool:
        """Whether the board is too small for the model, or lacks an op: nobody's failure."""
        return self.fault is not None and self.fault.kind in _UNFIT

    @property
    def is_lost(self) -> bool:
        """Whether it should have a result and has none."""
        return self.fault is not None and not self.is_unfit


@attrs.frozen
class SetWithModel:
    """A set, and the file of the model that it is for."""

    golden: GoldenSet
    model: Path


def find_sets(folder: Path) -> tuple[SetWithModel, ...]:
    """Every set of a folder, with its model.

    Raises:
        ConfigError: there is none, one is not as it was made, or its model is not found.
    """
    folders = sorted(path for path in folder.glob(f"*{SUFFIX}") if path.is_dir())
    if not folders:
        raise ConfigError(
            f"{folder}: there is no golden set (NAME{SUFFIX}) in it",
            hint="`host golden make` makes one",
        )
    sets = [(load_golden(path), path) for path in folders]
    return tuple(SetWithModel(golden, find_model(golden, path)) for golden, path in sets)


def find_model(golden: GoldenSet, folder: Path) -> Path:
    """The file that has the model's name, beside the set or in the folder above that.

    Raises:
        ConfigError: there is none.
    """
    beside = folder.resolve().parent
    for place in (beside, beside.parent):
        if (place / golden.model.name).is_file():
            return place / golden.model.name
    raise ConfigError(
        f"{golden.model.name}, the model of golden set {golden.name}, is neither in {beside} nor "
        f"in {beside.parent}",
        hint="put it beside the set; `host golden replay` takes --model",
    )


def replay_on_boards(
    sets: tuple[SetWithModel, ...],
    boards: Mapping[str, FarmBoard],
    *,
    parallel: int | None = None,
    keep: Path | None = None,
    done: Callable[[NightReplay], None] = lambda _: None,
) -> tuple[NightReplay, ...]:
    """Replays all sets on all boards that are not in quarantine.

    A board that fails does not keep the others from it.

    Args:
        boards: by ``RACK/BOARD``.
        parallel: emulated boards at a time; None: one a processor.
        keep: folder for the tensors of samples that are wrong.
        done: told of each, from the board's thread.
    """
    stop = threading.Event()
    healthy = {name: board for name, board in boards.items() if board.quarantine is None}
    processors = threading.BoundedSemaphore(parallel or os.cpu_count() or 1)

    def on_board(name: str, board: FarmBoard) -> list[NightReplay]:
        found = []
        for one in sets:
            with processors if board.kind is BoardKind.EMULATOR else contextlib.nullcontext():
                found.append(_replay(one, name, board, keep, stop))
            done(found[-1])
        return found

    with ThreadPoolExecutor(max_workers=max(1, len(healthy))) as pool:
        try:
            futures = [pool.submit(on_board, name, board) for name, board in healthy.items()]
            return tuple(found for future in futures for found in result_of(future))
        except BaseException:
            stop.set()  # the pool waits for its threads
            raise


def _replay(
    one: SetWithModel, name: str, board: FarmBoard, keep: Path | None, stop: StopSignal
) -> NightReplay:
    replayed = NightReplay(golden=one.golden.name, model=one.model.name, board=name)
    where = None if keep is None else keep / name.replace("/", "-")
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            place = placed(board)
            request = MeasureRequest(
                model=one.model,
                board=place.board,
                port=place.port,
                flash_model=place.flash_model,
                may_program=place.may_program,
            )
            result = replay(one.golden, request, Silent(), keep=where, stop=stop)
            return attrs.evolve(replayed, result=result)
        except Interrupted:
            raise
        except Exception as error:  # a bug in one replay is not to cost the night
            fault = fault_of(error, emulated=board.kind is BoardKind.EMULATOR)
            if attempt == _ATTEMPTS or not fault.again:
                return attrs.evolve(replayed, fault=fault)
    raise AssertionError("the loop returns")
