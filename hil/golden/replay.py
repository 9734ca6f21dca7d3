"""Replays a golden set on a board: every sample is sent, and judged by what comes of it.

Checksums decide while nothing is wrong. Only where one differs is a tensor read back and kept.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from pathlib import Path

import attrs

from hil.golden.golden_set import GoldenSet
from hil.golden.judge import Judge
from hil.golden.result import TOP_FAILURES, ReplayResult, SampleFailure, Timing
from hil.golden.runner import SampleRunner
from hil.golden.triage import triage
from host.errors import ConfigError
from host.links.interruptible import StopSignal
from host.measurement.candidates import Candidate
from host.measurement.engine_candidates import EngineCandidate
from host.measurement.evidence import evidence_of
from host.measurement.observer import Observer
from host.measurement.on_board import Loaded, on_board, prepare_candidate
from host.measurement.record import board_of
from host.measurement.request import MeasureRequest
from host.models import load_model
from host.session import Session, read_report
from protocol.capabilities import Capabilities
from protocol.messages import ModelFormat

MAX_KEPT = 20
"""Samples whose tensors are kept; of the others it is said what is wrong with them."""


def replay(
    golden: GoldenSet,
    request: MeasureRequest,
    observer: Observer,
    *,
    keep: Path | None = None,
    stop: StopSignal | None = None,
) -> ReplayResult:
    """Replays every sample in one session, and looks for the cause of the first that is wrong.

    Args:
        request: the model's file and where the board is; ``budget_ms`` is judged on the slowest
            sample. Inputs, seed and iterations of it have no meaning here.
        keep: folder for the tensors of samples that are wrong, made where there are any.
        stop: calls it off from another thread.

    Raises:
        Interrupted: it was called off.
        ConfigError: the set is for another model, or the request contradicts itself.
        ModelError: the model cannot be read or compiled.
        BoardError: the board refused, does not offer what is needed, or reset.
        LinkError: there is no way to the board, or it broke.
        DeadlineExceeded: the board did not answer.
    """
    check_model(golden, request.model)

    def prepare(capabilities: Capabilities) -> _Task:
        candidate = prepare_candidate(request, capabilities, observer)
        _check_candidate(golden, candidate)
        return _Task(golden, candidate, request.budget_ms, keep)

    def use(session: Session, task: _Task, _: Loaded) -> ReplayResult:
        observer.stage(f"replaying {len(golden)} samples of {golden.name}")
        return _Replay(task, session, observer).run()

    return on_board(request, observer, prepare, use, stop)


def check_model(golden: GoldenSet, model: Path | None) -> None:
    """Raises ConfigError where the set is for another model, or there is none."""
    if model is None:
        raise ConfigError("a golden set is replayed with its model: name the file")
    found = load_model(model).sha256
    if found != golden.model.sha256:
        raise ConfigError(
            f"golden set {golden.name} is for another model: {golden.model.name} with SHA-256 "
            f"{golden.model.sha256[:12]}..., {model} has {found[:12]}...",
            hint="name the model it was made for, or make a set for this one: `host golden make`",
        )


def _check_candidate(golden: GoldenSet, candidate: Candidate | EngineCandidate) -> None:
    if isinstance(candidate, Candidate):
        return  # the same model has the same contract
    if candidate.model_format != ModelFormat.TFLITE:
        raise ConfigError(
            f"{candidate.version} takes {candidate.path.name} in a layout of its own: a golden set "
            "is replayed with a plan, or by an engine that reads .tflite",
            hint="--engine jump_rt",
        )
    for entry in candidate.inputs:
        if entry.dtype not in ("int8", "float32"):
            raise ConfigError(f"{candidate.version} takes {entry.dtype}, which the set has not")


@attrs.frozen
class _Task:
    golden: GoldenSet
    candidate: Candidate | EngineCandidate
    budget_ms: float | None
    keep: Path | None


class _Replay:
    """One set on one board that has loaded its model."""

    def __init__(self, task: _Task, session: Session, observer: Observer) -> None:
        self._golden, self._candidate = task.golden, task.candidate
        self._task, self._session, self._observer = task, session, observer
        self._is_bit_exact = isinstance(task.candidate, Candidate)
        self._judge = Judge(task.golden, task.candidate.outputs, self._is_bit_exact)
        self._runner = SampleRunner(task.golden, task.candidate, session)
        self._failures: list[SampleFailure] = []

    def run(self) -> ReplayResult:
        golden, session = self._golden, self._session
        ticks = []
        for sample in range(len(golden)):
            ticks.append(self._replay(sample))
            self._observer.runs(sample + 1, len(golden))
        found = None
        if self._failures:
            first = self._failures[0]
            self._observer.stage(f"looking for the cause in sample {first.sample}")
            found = triage(self._runner, first, self._task.keep)
        judge, offered = self._judge, session.capabilities
        return ReplayResult(
            golden=golden.name,
            golden_sha256=golden.sha256,
            model=golden.model.name,
            model_sha256=golden.model.sha256,
            precision=self._candidate.precision,
            board=board_of(session, read_report(session) if offered.engines else None),
            evidence=evidence_of(offered),
            samples=len(golden),
            is_bit_exact=self._is_bit_exact,
            input_mismatches=judge.counts["input"],
            output_mismatches=judge.output_mismatches,
            tolerance_violations=judge.tolerance_violations,
            reference_violations=judge.reference_violations,
            new_violations=judge.counts["tolerance"],
            decision_mismatches=judge.counts["decision"],
            reject_mismatches=judge.counts["reject"],
            failed_samples=len(self._failures),
            failures=tuple(self._failures[:TOP_FAILURES]),
            triage=found,
            timing=_timing(ticks, offered.tick_hz, self._task.budget_ms),
            notes=tuple(self._notes()),
        )

    def _replay(self, sample: int) -> int:
        """Runs one sample and judges it; returns its ticks."""
        ran = self._runner.run(sample)
        verdict = self._judge.judge(sample, ran)
        if verdict.what:
            tensors = None
            if self._task.keep is not None and len(self._failures) < MAX_KEPT:
                tensors = self._runner.keep(self._task.keep, sample, ran)
            self._failures.append(
                SampleFailure(
                    sample=sample,
                    sha256=self._golden.digests[sample],
                    what=verdict.what,
                    reason=verdict.reason,
                    tensors=tensors,
                )
            )
        return ran.ticks

    def _notes(self) -> Iterator[str]:
        if isinstance(self._candidate, EngineCandidate):
            yield (
                f"{self._candidate.version} has an arithmetic of its own: its outputs are judged "
                "by tolerance, decisions and rejects, not by checksums"
            )
        if self._golden.float_output is None:
            yield "the set has no float reference: no tolerance against one was checked"
        if len(self._failures) > MAX_KEPT and self._task.keep is not None:
            yield f"the tensors of the first {MAX_KEPT} samples that are wrong were kept"


def _timing(ticks: Sequence[int], tick_hz: int, budget_ms: float | None) -> Timing:
    values = [count * 1000 / tick_hz for count in ticks]
    slowest = max(range(len(values)), key=values.__getitem__)
    return Timing(
        median=statistics.median(values),
        max=values[slowest],
        max_sample=slowest,
        budget_ms=budget_ms,
    )
