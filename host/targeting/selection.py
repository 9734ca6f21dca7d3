"""The smallest board that does it: every device checked, the cheapest first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Protocol

import attrs

from host.targeting.checks import (
    CheckResult,
    Status,
    check_backend,
    check_latency,
    check_quantization,
    check_ram,
    check_storage,
    check_ui,
)
from host.targeting.latency import LatencyFigure, may_gate
from host.targeting.site import Device, Site, SiteBackend
from host.targeting.vector import RequirementVector
from protocol.measurement import Measurement, Source

FLOATS = ("float16", "float32")
_RANK = {Source.SIMULATED: 0, Source.EMULATED: 1, Source.HARDWARE: 2}
_FLOOR = {"any": 0, "emulated": 1, "hardware": 2}


@attrs.frozen(kw_only=True)
class Limits:
    """What a board is held against.

    ``tolerance`` is a part of 1; ``evidence`` the lowest source that a decision may rest on:
    ``hardware``, ``emulated`` or ``any``.
    """

    tolerance: float = 0.02
    safety_margin: float = 1.3
    latency_budget_ms: float | None = None
    ui: bool = False
    evidence: str = "any"


@attrs.frozen(kw_only=True)
class Trial:
    """What running the model there showed, or what is foretold of it.

    ``failure`` is set where the board refused the model or its output was wrong.
    """

    figure: LatencyFigure | None = None
    record: Measurement | None = None
    failure: CheckResult | None = None


class Bench(Protocol):
    """Finds out how a model does at a site: by measuring it, or else by foretelling."""

    def try_out(self, site: Site, precision: str) -> Trial:
        """May take long; is called from several threads, never twice for one site at once."""


class Observer(Protocol):
    """Is told how a selection goes on; from one thread."""

    def checked(self, verdict: DeviceVerdict) -> None:
        """A device is decided, or put off until others are."""


@attrs.frozen(kw_only=True)
class SiteVerdict:
    """One site with the precision chosen for it. ``trial`` None: it was not tried out."""

    site: Site
    precision: str
    backend: SiteBackend | None
    checks: tuple[CheckResult, ...]
    trial: Trial | None = None

    @property
    def failed(self) -> tuple[CheckResult, ...]:
        return tuple(check for check in self.checks if check.status == Status.FAILED)

    @property
    def passed(self) -> bool:
        return not self.failed

    @property
    def violation(self) -> float:
        return sum(check.violation for check in self.failed)


@attrs.frozen(kw_only=True)
class DeviceVerdict:
    """``best`` is the site that passes, else the one that comes closest."""

    device: Device
    best: SiteVerdict
    others: tuple[SiteVerdict, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether it does it; one that was not tried out does not yet."""
        return self.best.passed and self.best.trial is not None

    @property
    def was_tried(self) -> bool:
        return self.best.failed != () or self.best.trial is not None


@attrs.frozen(kw_only=True)
class Selection:
    """``target`` is the closest where ``met`` is False; None where there is no device at all."""

    target: DeviceVerdict | None
    met: bool
    next_tier: DeviceVerdict | None
    verdicts: tuple[DeviceVerdict, ...]


def assess(site: Site, vector: RequirementVector, limits: Limits, precision: str) -> SiteVerdict:
    """The checks that need no run."""
    backend_check, backend = check_backend(site, vector, precision)
    checks = [
        check_ram(site, vector, precision, limits.safety_margin),
        check_storage(site, vector, precision),
        backend_check,
        check_quantization(vector, precision, limits.tolerance),
    ]
    ui = check_ui(site, limits.ui)
    return SiteVerdict(
        site=site,
        precision=precision,
        backend=backend,
        checks=(*checks, *((ui,) if ui else ())),
    )


def choose_precision(site: Site, vector: RequirementVector, limits: Limits) -> SiteVerdict:
    """int8 where it passes; int4 where int8 does not fit; a float where int8 is too coarse."""
    int8 = assess(site, vector, limits, "int8")
    failed = {check.name for check in int8.failed}
    if "quantization" in failed:
        others = [assess(site, vector, limits, precision) for precision in FLOATS]
    elif failed & {"ram", "storage"} and vector.error("int4") is not None:
        others = [assess(site, vector, limits, "int4")]
    else:
        others = []
    return next((verdict for verdict in others if verdict.passed), int8)


def complete(verdict: SiteVerdict, trial: Trial, limits: Limits) -> SiteVerdict:
    """``verdict`` with what the trial adds to its checks."""
    checks = list(verdict.checks)
    if trial.failure is not None:
        checks.append(trial.failure)
    floor = _FLOOR[limits.evidence]
    source = trial.record.evidence.source if trial.record else Source.SIMULATED
    if _RANK[source] < floor:
        text = f"there is no {limits.evidence} evidence (what there is: {source})"
        checks.append(CheckResult("evidence", Status.FAILED, text))
    figure = trial.figure
    if figure is not None and not may_gate(figure.evidence, limits.evidence):
        figure = None
    latency = check_latency(figure, limits.latency_budget_ms)
    if latency is not None:
        if latency.status == Status.NOT_CHECKED:
            # A budget that nothing may be held against is not met.
            latency = attrs.evolve(latency, status=Status.FAILED)
        checks.append(latency)
    return attrs.evolve(verdict, checks=tuple(checks), trial=trial)


def _closeness(verdict: SiteVerdict) -> tuple[int, float]:
    return len(verdict.failed), verdict.violation


def _decide(device: Device, verdicts: Sequence[SiteVerdict]) -> DeviceVerdict:
    """Of sites that are all decided, or of which the last one passes."""
    best = min(verdicts, key=_closeness)
    return DeviceVerdict(
        device=device,
        best=best,
        others=tuple(verdict for verdict in verdicts if verdict is not best),
    )


def _try_device(
    device: Device, vector: RequirementVector, limits: Limits, bench: Bench
) -> DeviceVerdict:
    verdicts: list[SiteVerdict] = []
    for site in device.sites:
        verdict = choose_precision(site, vector, limits)
        if verdict.passed:
            verdict = complete(verdict, bench.try_out(site, verdict.precision), limits)
        verdicts.append(verdict)
        if verdict.passed:
            break
    return _decide(device, verdicts)


def _is_faster(verdict: DeviceVerdict, than: DeviceVerdict) -> bool:
    figures = [v.best.trial.figure if v.best.trial else None for v in (verdict, than)]
    return None not in figures and figures[0].median_ms < figures[1].median_ms  # type: ignore[union-attr]  # both there


def select(
    devices: Sequence[Device],
    vector: RequirementVector,
    limits: Limits,
    bench: Bench,
    *,
    every: bool = False,
    parallel: int = 1,
    observer: Observer | None = None,
) -> Selection:
    """Decides the devices in the order of their cost, ties by id.

    Stops when neither the target nor the next tier up (the next device that passes and is
    faster) can change any more; then the remaining devices keep the checks that need no run.

    Args:
        every: try all devices out that pass the checks before it.
        parallel: devices tried out at once.
    """
    ordered = sorted(devices, key=lambda device: (device.cost, device.id))
    verdicts: list[DeviceVerdict] = []
    target: DeviceVerdict | None = None
    next_tier: DeviceVerdict | None = None
    with ThreadPoolExecutor(max_workers=max(1, parallel)) as pool:
        pending = [pool.submit(_try_device, device, vector, limits, bench) for device in ordered]
        for verdict in _in_order(pending):
            verdicts.append(verdict)
            if observer is not None:
                observer.checked(verdict)
            if verdict.passed and target is None:
                target = verdict
            elif verdict.passed and next_tier is None and target and _is_faster(verdict, target):
                next_tier = verdict
            if next_tier is not None and not every:
                pool.shutdown(wait=False, cancel_futures=True)
                break
    for device in ordered[len(verdicts) :]:
        rest = [choose_precision(site, vector, limits) for site in device.sites]
        verdicts.append(_decide(device, rest))
        if observer is not None:
            observer.checked(verdicts[-1])
    closest = min(verdicts, key=lambda v: (*_closeness(v.best), v.device.cost), default=None)
    return Selection(
        target=target or closest,
        met=target is not None,
        next_tier=next_tier,
        verdicts=tuple(verdicts),
    )


def _in_order(pending: Sequence[Future[DeviceVerdict]]) -> Iterator[DeviceVerdict]:
    for future in pending:
        yield future.result()
