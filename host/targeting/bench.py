"""Tries models out: on a board that can be measured now, else in the simulation."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

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
from host.targeting.catalog import PLAN_CONTRACT
from host.targeting.checks import CheckResult, Status
from host.targeting.latency import LatencyFigure, figure_of, is_by_engine_of, may_gate
from host.targeting.simulate import simulate
from host.targeting.site import Site
from host.targeting.vector import RequirementVector
from host.targeting.verdict import Trial
from protocol.measurement import Verdict


class EvidenceBench:
    """Implements :class:`host.targeting.selection.Bench`. Safe to use from several threads."""

    def __init__(
        self,
        vector: RequirementVector,
        candidates: Mapping[str, Path],
        profiles: Sequence[Profile],
        *,
        ports: Mapping[str, str] | None = None,
        history: History | None = None,
        watch: Callable[[Site, str], None] = lambda _site, _text: None,
    ) -> None:
        """Knows what is to be tried, and where.

        Args:
            candidates: model files by precision; without one it is foretold.
            profiles: of the boards that are asked for.
            ports: where physical boards are, by id.
            history: keeps what is measured, and is asked for what was.
            watch: is told how each measurement goes on, from several threads at once.
        """
        self._vector = vector
        self._candidates = candidates
        self._profiles = {profile.id: profile for profile in profiles}
        self._ports = ports or {}
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
        """Measures where the board can be started now, and foretells the rest.

        Raises:
            Interrupted: :meth:`stop` was called.
            BoardError, LinkError, DeadlineExceeded: a board that is said to be at a port is not
                there, or does not do its part.
        """
        if self._stop.is_set():
            raise Interrupted
        if not self._can_measure(site, precision):
            return Trial(figure=self._simulate(site, precision))
        in_catalog = find_profile(site.device) is not None
        request = MeasureRequest(
            model=self._candidates[precision],
            board=site.device if in_catalog else None,  # one of the user's own is checked here
            port=self._ports.get(site.device),
        )
        try:
            outcome = run_measurement(request, _Watched(site, self._watch), self._stop)
        except (BoardError, ModelError) as error:
            if request.port is not None and not _is_refusal(error):
                raise
            return Trial(figure=self.foretell(site, precision), failure=_failure(error))
        except (LinkError, DeadlineExceeded, ConfigError) as error:
            if request.port is not None:
                raise
            why = f"could not be measured: {error}"
            return Trial(figure=self._simulate(site, precision), unmeasured=why)
        return self._judged(site, precision, outcome)

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

    def _can_measure(self, site: Site, precision: str) -> bool:
        runs_plans = any(
            backend.name == PLAN_CONTRACT and precision in backend.precisions
            for backend in site.backends
        )
        if not runs_plans or precision not in self._candidates:
            return False
        if site.device in self._ports:
            return True
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
            return Trial(figure=self._simulate(site, precision))
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


def _is_refusal(error: BoardError | ModelError) -> bool:
    """Whether a board answered, and what it cannot do is this model."""
    return isinstance(error, ModelError) or error.needed is not None or error.code != 0


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
