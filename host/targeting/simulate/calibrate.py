"""Calibrates a board: measures a sweep of single ops on it, and fits its cost model."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import attrs

import devices
from host.boards.reach import BoardOnPort, EmulatedBoard
from host.errors import ConfigError
from host.evidence import History
from host.measurement.observer import Observer
from host.targeting.simulate.calibration import FILE_NAME, Calibration
from host.targeting.simulate.campaign import run_campaign
from host.targeting.simulate.samples import (
    read_samples,
    samples_of_history,
    samples_path,
    write_samples,
)


@attrs.frozen(kw_only=True)
class CalibrateRequest:
    """What to calibrate, and from what.

    ``output`` None: the board's folder of the catalog. ``refit``: from the samples that lie
    beside it, without measuring.
    """

    board: str
    port: str | None = None
    flash_model: str | None = None
    output: Path | None = None
    refit: bool = False


@attrs.frozen
class Calibrated:
    """The cost model, and where it and its samples were written."""

    calibration: Calibration
    path: Path
    samples_path: Path


def calibrate(
    request: CalibrateRequest, observer: Observer, history: History | None = None
) -> Calibrated:
    """Measures, fits and writes.

    Args:
        history: profiled ops in it of the same board, build and emulator are fitted as well.

    Raises:
        ConfigError: no such board, nothing to refit, or a file cannot be written.
        BoardError, LinkError, DeadlineExceeded: as in a measurement.
    """
    try:
        profile = devices.load(request.board)
    except (devices.UnknownDeviceError, devices.ProfileError) as error:
        raise ConfigError(str(error)) from error
    path = request.output or profile.path.with_name(FILE_NAME)
    beside = samples_path(path)
    if not request.refit:
        board = (
            BoardOnPort(request.port, request.board)
            if request.port is not None
            else EmulatedBoard(request.board, flash_model=request.flash_model, link=None)
        )
        observer.stage(f"measuring single ops on {request.port or f'the emulated {profile.id}'}")
        campaign = run_campaign(board, observer)
        write_samples(beside, campaign.head, campaign.samples)
    head, samples = read_samples(beside)
    if head["board"] != request.board:
        raise ConfigError(f"{beside}: is of {head['board']!r}, not of {request.board!r}")
    if history is not None:
        further = samples_of_history(history, head)
        observer.note(f"{len(further):,} profiled ops of the history are fitted as well")
        samples += further
    observer.stage(f"fitting {len(samples):,} ops")
    head = {**head, "at": datetime.fromisoformat(head["at"])}
    calibration = Calibration.fitted(head, samples)
    calibration.write(path)
    return Calibrated(calibration, path, beside)
