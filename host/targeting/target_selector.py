"""Finds the smallest board that a model runs on.

``python -m host.targeting.target_selector`` is ``host target``.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import attrs

import devices
from devices import Profile
from host.errors import ConfigError, ExitCode
from host.evidence import History
from host.farms import FarmPlace, find_farm_reader
from host.targeting import candidates as kept_candidates
from host.targeting.bench import EvidenceBench
from host.targeting.catalog import devices_for
from host.targeting.declaration import declaration
from host.targeting.farm_boards import FarmBoards, look_at
from host.targeting.profiler import profile_model
from host.targeting.selection import Observer, select
from host.targeting.site import Device, Site
from host.targeting.text import render
from host.targeting.vector import RequirementVector
from host.targeting.verdict import Limits, Selection

_MOST_AT_ONCE = 4


@attrs.frozen(kw_only=True)
class TargetRequest:
    """Either a ``model``, which is profiled first, or its ``profile``.

    ``include``: boards outside of the tiers that may be chosen too; ``catalogs``: folders with
    boards of the user's own; ``ports``: where physical boards are, by id; ``farm``: a farm file
    whose boards are used too; ``every``: try all boards out that pass the checks before it.
    """

    model: Path | None = None
    profile: Path | None = None
    calibration_data: Path | None = None
    limits: Limits = attrs.field(factory=Limits)
    include: tuple[str, ...] = ()
    catalogs: tuple[Path, ...] = ()
    ports: Mapping[str, str] = attrs.field(factory=dict)
    farm: Path | None = None
    every: bool = False


@attrs.frozen
class TargetResult:
    """What was chosen, and for what."""

    selection: Selection
    vector: RequirementVector
    limits: Limits
    model_name: str

    @property
    def exit_code(self) -> ExitCode:
        return ExitCode.DONE if self.selection.met else ExitCode.NOT_MET

    @property
    def text(self) -> str:
        return render(self.selection, self.vector, self.limits, self.model_name)

    def declaration(self) -> dict[str, Any]:
        """What ``target.json`` holds."""
        return declaration(self.selection, self.vector, self.limits)

    def to_json(self) -> str:
        return json.dumps(self.declaration(), indent=2, ensure_ascii=False, allow_nan=False)


class TargetObserver(Observer, Protocol):
    """Is told how the whole of it goes on."""

    def stage(self, text: str) -> None:
        """What is being done now."""

    def note(self, text: str) -> None:
        """What the user should know of how the result came about."""

    def measuring(self, site: Site, text: str) -> None:
        """How one board's measurement goes on; from several threads at once."""


def select_target(
    request: TargetRequest, history: History | None, observer: TargetObserver
) -> TargetResult:
    """Checks every device, measures what can be measured, and decides.

    Raises:
        ConfigError: the request, the profile, the calibration data or a device's profile is wrong.
        ModelError: the model is not supported.
        BoardError, LinkError, DeadlineExceeded: a board at one of ``ports`` could not be measured.
    """
    if (request.model is None) == (request.profile is None):
        raise ConfigError("name a model or its --profile, one of them")
    _check_limits(request.limits)
    profiles, own = _boards(request)
    chosen = devices_for(profiles, include=(*request.include, *own))
    places = _farm_places(request, history)
    subject = _subject(request, observer)
    farm = _farm_boards(request, chosen, places, observer)
    observer.stage("trying the boards")
    selection = select(
        chosen,
        subject.vector,
        request.limits,
        EvidenceBench(
            subject.vector,
            subject.candidates,
            profiles,
            ports=request.ports,
            farm=farm,
            evidence=request.limits.evidence,
            history=history,
            watch=observer.measuring,
        ),
        every=request.every,
        parallel=min(_MOST_AT_ONCE, os.cpu_count() or 1),
        observer=observer,
    )
    return TargetResult(selection, subject.vector, request.limits, subject.name)


@attrs.frozen
class _Subject:
    """What is to be placed: its requirements, and the models that can be run, by precision."""

    vector: RequirementVector
    name: str
    candidates: Mapping[str, Path]


def _subject(request: TargetRequest, observer: TargetObserver) -> _Subject:
    if request.model is not None:
        profiled = profile_model(request.model, request.calibration_data, observer.stage)
        for text in profiled.notes:
            observer.note(text)
        files = kept_candidates.keep(profiled.candidates)
        return _Subject(profiled.vector, request.model.name, files)
    assert request.profile is not None
    if request.calibration_data is not None:
        raise ConfigError("--calibration-data is for profiling a MODEL: --profile has its own")
    vector = RequirementVector.read(request.profile)
    path = vector.model_path
    files = kept_candidates.find(vector, observer.stage)
    if not files:
        why = "names no model" if path is None else f"is of {path}, which is gone or has changed"
        observer.note(
            f"{request.profile}: {why}: nothing can be measured now, latencies are simulated or "
            "from the history"
        )
    return _Subject(vector, request.profile.name if path is None else path.name, files)


def _check_limits(limits: Limits) -> None:
    for option, value in (
        ("--tolerance", limits.tolerance),
        ("--safety-margin", limits.safety_margin),
        ("--latency-budget-ms", limits.latency_budget_ms),
    ):
        if value is not None and not math.isfinite(value):
            raise ConfigError(f"{option} {value}: not a finite number")


def _boards(request: TargetRequest) -> tuple[tuple[Profile, ...], tuple[str, ...]]:
    """All profiles, and which of them may be chosen because they are the user's or at a port."""
    try:
        shipped = {profile.id for profile in devices.load_all()}
        profiles = devices.load_all(devices.CATALOG, *request.catalogs)
    except devices.ProfileError as error:
        raise ConfigError(str(error)) from error
    own = tuple(p.id for p in profiles if p.id not in shipped)
    return profiles, (*own, *request.ports)


def _farm_places(request: TargetRequest, history: History | None) -> Sequence[FarmPlace]:
    """Read before the model is profiled: what is wrong with the file is told at once."""
    if request.farm is None:
        return ()
    try:
        return find_farm_reader().places(request.farm, history)
    except ConfigError as error:
        error.hint = error.hint or "mend the farm file, or leave it out with --no-farm"
        raise


def _farm_boards(
    request: TargetRequest,
    chosen: Sequence[Device],
    places: Sequence[FarmPlace],
    observer: TargetObserver,
) -> FarmBoards:
    wanted = {device.id for device in chosen} - set(request.ports)
    if any(place.port is not None for place in places):
        observer.stage(f"looking for the boards of {request.farm}")
    return look_at(places, wanted, observer.note)


if __name__ == "__main__":
    from host.cli import main

    main(command="target")
