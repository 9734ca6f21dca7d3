"""Finds the smallest board that a model runs on.

``python -m host.targeting.target_selector`` is ``host target``.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import attrs

import devices
from devices import Profile
from host.errors import ConfigError, ExitCode
from host.evidence import History
from host.targeting import candidates as kept_candidates
from host.targeting.bench import EvidenceBench
from host.targeting.catalog import devices_for
from host.targeting.declaration import declaration
from host.targeting.profiler import profile_model
from host.targeting.selection import Limits, Observer, Selection, select
from host.targeting.text import render
from host.targeting.vector import RequirementVector

_MOST_AT_ONCE = 4


@attrs.frozen(kw_only=True)
class TargetRequest:
    """Either a ``model``, which is profiled first, or its ``profile``.

    ``include``: boards outside of the tiers that may be chosen too; ``catalogs``: folders with
    boards of the user's own; ``ports``: where physical boards are, by id; ``every``: try all
    boards out that pass the checks before it.
    """

    model: Path | None = None
    profile: Path | None = None
    calibration_data: Path | None = None
    limits: Limits = attrs.field(factory=Limits)
    include: tuple[str, ...] = ()
    catalogs: tuple[Path, ...] = ()
    ports: Mapping[str, str] = attrs.field(factory=dict)
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


def select_target(
    request: TargetRequest,
    history: History | None = None,
    observer: Observer | None = None,
    progress: Callable[[str], None] = lambda _: None,
    note: Callable[[str], None] = lambda _: None,
) -> TargetResult:
    """Checks every device, measures what can be measured, and decides.

    Raises:
        ConfigError: the request, the profile, the calibration data or a device's profile is wrong.
        ModelError: the model is not supported.
    """
    if (request.model is None) == (request.profile is None):
        raise ConfigError("name a model or its --profile, one of them")
    if request.model is not None:
        profiled = profile_model(request.model, request.calibration_data, progress)
        for text in profiled.notes:
            note(text)
        vector, model_name = profiled.vector, request.model.name
        files = kept_candidates.keep(profiled.candidates)
    else:
        assert request.profile is not None
        vector = RequirementVector.read(request.profile)
        path = vector.model_path
        model_name = path.name if path is not None else request.profile.name
        files = kept_candidates.find(vector)
        if not files:
            note("the profile's model is not at hand: latencies are simulated, not measured")
    profiles, own = _boards(request)
    progress("trying the boards")
    selection = select(
        devices_for(profiles, include=(*request.include, *own)),
        vector,
        request.limits,
        EvidenceBench(vector, files, profiles, ports=request.ports, history=history, note=note),
        every=request.every,
        parallel=min(_MOST_AT_ONCE, os.cpu_count() or 1),
        observer=observer,
    )
    return TargetResult(selection, vector, request.limits, model_name)


def _boards(request: TargetRequest) -> tuple[tuple[Profile, ...], tuple[str, ...]]:
    """All profiles, and which of them may be chosen because they are the user's or at a port."""
    try:
        shipped = {profile.id for profile in devices.load_all()}
        profiles = devices.load_all(devices.CATALOG, *request.catalogs)
    except devices.ProfileError as error:
        raise ConfigError(str(error)) from error
    own = tuple(p.id for p in profiles if p.id not in shipped)
    return profiles, (*own, *request.ports)


if __name__ == "__main__":
    from host.cli import main

    main(["target", *sys.argv[1:]])
