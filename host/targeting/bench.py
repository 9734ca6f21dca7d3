"""Tries models out: on a board that can be measured now, else in the simulation.

What is measured by hand at a port comes first; then the farm's boards, physical before emulated and
idle before busy; a board's own measurement in the history; an emulator; a prediction.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import attrs

from devices import Profile
from host.compiler import PlannedOp, compile_graph
from host.emulators import emulated_boards, find_emulator
from host.errors import (
    BoardError,
    ConfigError,
    DeadlineExceeded,
    JumpstationError,
    LinkError,
    ModelError,
)
from host.evidence import History
from host.links.interruptible import Interrupted
from host.measurement.evidence import find_profile
from host.measurement.measure import MeasureRequest, Outcome, run_measurement
from host.measurement.observer import Silent
from host.models import load_model
from host.session import Deadline
from host.targeting.catalog import PLAN_CONTRACT
from host.targeting.checks import CheckResult, Status
from host.targeting.farm_boards import FarmBoards, domain_named, first_of, is_refusal
from host.targeting.latency import LatencyFigure, figure_of, is_by_engine_of, may_gate
from host.targeting.simulate import measured_cell, simulate
from host.targeting.site import Site
from host.targeting.vector import RequirementVector
from host.targeting.verdict import Trial
from protocol.measurement import Source, Verdict
from protocol.messages import Domain

_BUSY_WAIT_S = 60.0
"""A lease's length, unless its holder asks anything more."""
_MEASURED = (Source.HARDWARE, Source.EMULATED)


class EvidenceBench:
    """Implements :class:`host.targeting.selection.Bench`. Safe to use from several threads."""

    def __init__(
        self,
        vector: RequirementVector,
        candidates: Mapping[str, Path],
        profiles: Sequence[Profile],
        *,
        ports: Mapping[str, str] | None = None,
        farm: FarmBoards | None = None,
        evidence: str = "any",
        history: History | None = None,
        watch: Callable[[Site, str], None] = lambda _site, _text: None,
    ) -> None:
        """Knows what is to be tried, and where.

        Args:
            candidates: model files by precision; without one it is foretold.
            profiles: of the boards that are asked for.
            ports: where physical boards are, by id.
            farm: boards that may be used as well.
            evidence: the lowest source that the decision may rest on: where that is hardware, a
                board that somebody else holds is waited for.
            history: keeps what is measured, and is asked for what was.
            watch: is told how each measurement goes on, from several threads at once.
        """
        self._vector = vector
        self._candidates = candidates
        self._profiles = {profile.id: profile for profile in profiles}
        self._ports = ports or {}
        self._farm = farm or FarmBoards()
        self._evidence = evidence
        self._history = history
        self._watch = watch
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._ops = {precision: _plan_ops(path) for precision, path in candidates.items()}
        self._hashes: Mapping[str, str] = vector.details.get("candidates", {})
        self._emulated = frozenset(emulated_boards())

    def stop(self) -> None:
        """Ends the measurements that go on, and their emulators; there are no others after it."""
        self._stop.set()

    def try_out(self, site: Site, precision: str) -> Trial:
        """Measures where a board can be had now, and foretells the rest.

        Raises:
            Interrupted: :meth:`stop` was called.
            BoardError, LinkError, DeadlineExceeded: a board that is said to be at a port is not
                there, or does not do its part.
        """
        if self._stop.is_set():
            raise Interrupted
        if not self._has_plan(site, precision):
            return self._foretold(site, precision)
        port = self._ports.get(site.device)
        if port is not None:
            try:
                return self._measured(site, precision, port=port)
            except (BoardError, ModelError) as error:
                if not is_refusal(error):
                    raise
                return self._refused(site, precision, error)
        missed: list[str] = []
        trial = self._on_farm(site, precision, missed)
        if trial is None:
            trial = self._kept(site, precision, (Source.HARDWARE,))
        if trial is None:
            trial = self._started_here(site, precision, missed)
        if trial is None:
            trial = self._foretold(site, precision)
        if missed and trial.unmeasured is None:
            trial = attrs.evolve(trial, unmeasured="; ".join(missed))
        return trial

    def _on_farm(self, site: Site, precision: str, missed: list[str]) -> Trial | None:
        """On the first of the farm's boards that can be had; None: on none of them.

        Args:
            missed: is given what kept each of the others from it.
        """
        waits = self._evidence == "hardware" or not self._can_start(site)
        try:
            trial, failed = first_of(
                self._farm.at(site),
                lambda board: self._measured(
                    site,
                    precision,
                    port=board.place.port,
                    domain=domain_named(board.domain),
                    may_program=board.place.may_program,
                ),
                patience=Deadline(_BUSY_WAIT_S if waits else 0.0),
                waiting=lambda names: self._watch(site, f"waits for {names}: in use"),
                stop=self._stop,
            )
        except (BoardError, ModelError) as error:
            return self._refused(site, precision, error)
        missed += [f"not measured on {name}: {why}" for name, why in failed.items()]
        return trial

    def _started_here(self, site: Site, precision: str, missed: list[str]) -> Trial | None:
        """On an emulator, as the farm file wants it; None where there is none."""
        place = self._farm.starter(site.device)
        if place is not None and place.left_out is not None:
            missed.append(f"not measured on {place.name}: {place.left_out}")
            return None
        if not self._can_start(site):
            return None
        flash_model = None if place is None else place.flash_model
        try:
            return self._measured(site, precision, flash_model=flash_model)
        except (BoardError, ModelError) as error:
            return self._refused(site, precision, error)
        except (LinkError, DeadlineExceeded, ConfigError) as error:
            missed.append(f"could not be measured: {error}")
            return None

    def _measured(
        self,
        site: Site,
        precision: str,
        *,
        port: str | None = None,
        flash_model: str | None = None,
        domain: Domain = Domain.ANY,
        may_program: bool = True,
    ) -> Trial:
        in_catalog = find_profile(site.device) is not None
        request = MeasureRequest(
            model=self._candidates[precision],
            board=site.device if in_catalog else None,  # one of the user's own is checked here
            port=port,
            flash_model=flash_model,
            domain=domain,
            may_program=may_program,
        )
        outcome = run_measurement(request, _Watched(site, self._watch), self._stop)
        return self._judged(site, precision, outcome)

    def _refused(self, site: Site, precision: str, error: BoardError | ModelError) -> Trial:
        return Trial(figure=self.foretell(site, precision), failure=_failure(error))

    def _kept(
        self, site: Site, precision: str, sources: Sequence[Source] = _MEASURED
    ) -> Trial | None:
        """What the history has of this model there; None: nothing that was measured."""
        with self._lock:
            record = measured_cell(
                site, precision, self._history, self._hashes.get(precision), sources
            )
        if record is None:
            return None
        when = f"not measured now: from the history, {record.at:%Y-%m-%d}, firmware "
        return Trial(
            figure=figure_of(record, site.part),
            record=record,
            unmeasured=when + (record.board.build or record.board.firmware or "unknown"),
        )

    def _foretold(self, site: Site, precision: str) -> Trial:
        return self._kept(site, precision) or Trial(figure=self._simulate(site, precision))

    def foretell(self, site: Site, precision: str) -> LatencyFigure | None:
        """The simulation's figure; None where the profile lacks what it takes."""
        try:
            return self._simulate(site, precision)
        except ConfigError:
            return None

    def _simulate(self, site: Site, precision: str) -> LatencyFigure:
        with self._lock:
            return simulate(
                site,
                self._ops.get(precision),
                self._vector.flops,
                precision,
                self._history,
                model_sha256=self._hashes.get(precision),
                profile=self._profiles.get(site.device),
            )

    def _has_plan(self, site: Site, precision: str) -> bool:
        """Whether a board of that kind could run what there is."""
        return precision in self._candidates and any(
            backend.name == PLAN_CONTRACT and precision in backend.precisions
            for backend in site.backends
        )

    def _can_start(self, site: Site) -> bool:
        """Whether such a board can be started on this machine."""
        domain = self._profiles[site.device].domain(site.domain)
        if domain is None or domain.emulator is None or site.device not in self._emulated:
            return False
        emulator = find_emulator(site.device)
        return emulator.default_firmware.is_file() and emulator.missing() is None

    def _judged(self, site: Site, precision: str, outcome: Outcome) -> Trial:
        record = outcome.record
        if record.board.id != site.device:
            raise BoardError(
                f"the board at {self._ports[site.device]} is {record.board.id!r}, "
                f"not {site.device!r}",
                hint="check --port ID=DEV",
            )
        if record.board.domain != site.domain:  # the device's other domain is at the port
            return self._foretold(site, precision)
        if self._history is not None:
            with self._lock:
                self._history.add(record, outcome.plan_ops)
        if record.output.verdict in (Verdict.MISMATCH, Verdict.NONDETERMINISTIC):
            text = f"the output on {site.device} is {record.output.verdict}"
            failure = CheckResult("output", Status.FAILED, text)
            return Trial(figure=figure_of(record, site.part), record=record, failure=failure)
        # Right, but its time means nothing, or is another engine's.
        if not may_gate(record.evidence, "any") or not is_by_engine_of(site, record):
            return Trial(figure=self._simulate(site, precision), record=record)
        return Trial(figure=figure_of(record, site.part), record=record)


def _plan_ops(path: Path) -> Sequence[PlannedOp] | None:
    try:
        return compile_graph(load_model(path)).ops
    except JumpstationError:
        return None  # a precision that no plan holds


def _failure(error: BoardError | ModelError) -> CheckResult:
    needed = error.needed if isinstance(error, BoardError) else None
    available = error.available if isinstance(error, BoardError) else None
    unit = None if needed is None else "bytes"
    return CheckResult("measurement", Status.FAILED, str(error), needed, available, unit)


class _Watched(Silent):
    """For one board of several; its notes are of no use there, and in the record."""

    def __init__(self, site: Site, watch: Callable[[Site, str], None]) -> None:
        self._site = site
        self._watch = watch

    def stage(self, text: str) -> None:
        self._watch(self._site, text)

    def upload(self, done: int, total: int) -> None:
        self._watch(self._site, f"uploading {done:,} of {total:,} bytes")

    def runs(self, done: int, total: int) -> None:
        self._watch(self._site, f"run {done} of {total}")
