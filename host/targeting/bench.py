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
from host.measurement.measure import MeasureRequest, Outcome, run_measurement
from host.models import load_model
from host.targeting.checks import CheckResult, Status
from host.targeting.latency import LatencyFigure, figure_of, may_gate
from host.targeting.selection import Trial
from host.targeting.simulate import simulate
from host.targeting.site import Site
from host.targeting.vector import RequirementVector
from protocol.measurement import Verdict

_AGENT_DOMAIN = "mcu"
"""Where the agents that are measured run plans."""


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
        note: Callable[[str], None] = lambda _: None,
    ) -> None:
        """Knows what is to be tried, and where.

        Args:
            candidates: model files by precision; without one it is foretold.
            profiles: of the boards that are asked for.
            ports: where physical boards are, by id.
            history: keeps what is measured, and is asked for what was.
        """
        self._vector = vector
        self._candidates = candidates
        self._profiles = {profile.id: profile for profile in profiles}
        self._ports = ports or {}
        self._history = history
        self._note = note
        self._lock = threading.Lock()
        self._ops = {precision: _plan_ops(path) for precision, path in candidates.items()}
        self._hashes: Mapping[str, str] = vector.details.get("candidates", {})
        self._emulated = frozenset(emulated_boards())

    def try_out(self, site: Site, precision: str) -> Trial:
        """Measures where the board can be started now, and foretells the rest."""
        if not self._can_measure(site, precision):
            return Trial(figure=self._foretell(site, precision))
        request = MeasureRequest(
            model=self._candidates[precision],
            board=site.device,
            port=self._ports.get(site.device),
        )
        try:
            outcome = run_measurement(request, _Unseen())
        except (BoardError, ModelError) as error:
            return Trial(failure=_failure(error))
        except (LinkError, DeadlineExceeded, ConfigError) as error:
            self._note(f"{site.device} could not be measured: {error}")
            return Trial(figure=self._foretell(site, precision))
        return self._judged(site, precision, outcome)

    def _can_measure(self, site: Site, precision: str) -> bool:
        if precision not in self._candidates or site.domain != _AGENT_DOMAIN:
            return False
        if site.device in self._ports:
            return True
        return (
            site.device in self._emulated
            and find_emulator(site.device).default_firmware.is_file()
            and find_emulator(site.device).missing() is None
        )

    def _judged(self, site: Site, precision: str, outcome: Outcome) -> Trial:
        record = outcome.record
        if self._history is not None:
            with self._lock:
                self._history.add(record, outcome.plan_ops)
        if record.output.verdict in (Verdict.MISMATCH, Verdict.NONDETERMINISTIC):
            text = f"the output on {site.device} is {record.output.verdict}"
            return Trial(record=record, failure=CheckResult("output", Status.FAILED, text))
        figure: LatencyFigure = figure_of(record, site.part)
        if not may_gate(record.evidence, "any"):  # right, but its time means nothing
            figure = self._foretell(site, precision)
        return Trial(figure=figure, record=record)

    def _foretell(self, site: Site, precision: str) -> LatencyFigure:
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


class _Unseen:
    """Nobody looks on."""

    def stage(self, text: str) -> None: ...
    def note(self, text: str) -> None: ...
    def upload(self, done: int, total: int) -> None: ...
    def runs(self, done: int, total: int) -> None: ...
