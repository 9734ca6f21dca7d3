"""The smallest board that does it: every device checked, the cheapest first."""

from __future__ import annotations

import contextlib
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
from host.targeting.site import Device, Site
from host.targeting.vector import RequirementVector
from host.targeting.verdict import DeviceVerdict, Limits, Selection, SiteVerdict, Trial
from host.waiting import result_of
from protocol.measurement import Source

FLOATS = ("float16", "float32")
_RANK = {Source.SIMULATED: 0, Source.EMULATED: 1, Source.HARDWARE: 2}
_FLOOR = {"any": 0, "emulated": 1, "hardware": 2}


class Bench(Protocol):
    """Finds out how a model does at a site: by measuring it, or else by foretelling."""

    def try_out(self, site: Site, precision: str) -> Trial:
        """May take long; is called from several threads, never twice for one site at once.

        Raises:
            Interrupted: :meth:`stop` was called meanwhile.
        """

    def foretell(self, site: Site, precision: str) -> LatencyFigure | None:
        """At once, without any board; None where nothing can be said."""

    def stop(self) -> None:
        """Calls off what is being tried out; from another thread than it."""


class Observer(Protocol):
    """Is told how a selection goes on; from one thread."""

    def assessed(self, verdict: DeviceVerdict) -> None:
        """The checks of a device that need no run are done."""

    def decided(self, verdict: DeviceVerdict) -> None:
        """Nothing becomes of a device any more; it may not have been tried out."""


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
    """int8 where it passes; int4 where int8 does not fit; a float where int8 is too coarse.

    A float too where nothing executes int8: otherwise a looser tolerance could rule a board out.
    """
    if vector.packed_alone:
        return assess(site, vector, limits, "int4")
    int8 = assess(site, vector, limits, "int8")
    failed = {check.name for check in int8.failed}
    if failed & {"quantization", "backend"}:
        others = [assess(site, vector, limits, precision) for precision in FLOATS]
    elif failed & {"ram", "storage"} and vector.error("int4") is not None:
        others = [assess(site, vector, limits, "int4")]
    else:
        others = []
    return next((verdict for verdict in others if verdict.passed), int8)


def complete(verdict: SiteVerdict, trial: Trial, limits: Limits) -> SiteVerdict:
    """``verdict`` with what the trial adds to its checks."""
    verdict = _with_check(attrs.evolve(verdict, trial=trial), _latency_check(trial.figure, limits))
    checks = list(verdict.checks)
    if trial.failure is not None:
        checks.append(trial.failure)
    elif trial.unmeasured is not None:
        checks.append(CheckResult("measurement", Status.NOT_CHECKED, trial.unmeasured))
    source = trial.record.evidence.source if trial.record else Source.SIMULATED
    if _RANK[source] < _FLOOR[limits.evidence]:
        text = f"there is no {limits.evidence} evidence (what there is: {source})"
        checks.append(CheckResult("evidence", Status.FAILED, text))
    return attrs.evolve(verdict, checks=tuple(checks))


def _with_check(verdict: SiteVerdict, latency: CheckResult | None) -> SiteVerdict:
    """The latency stands before the user interface, where checks are listed."""
    if latency is None:
        return verdict
    ui = tuple(check for check in verdict.checks if check.name == "ui")
    others = tuple(check for check in verdict.checks if check.name != "ui")
    return attrs.evolve(verdict, checks=(*others, latency, *ui))


def _latency_check(figure: LatencyFigure | None, limits: Limits) -> CheckResult | None:
    if figure is not None and not may_gate(figure.evidence, limits.evidence):
        figure = None
    latency = check_latency(figure, limits.latency_budget_ms)
    if latency is not None and latency.status == Status.NOT_CHECKED:
        # A budget that nothing may be held against is not met.
        return attrs.evolve(latency, status=Status.FAILED)
    return latency


def _decide(device: Device, verdicts: Sequence[SiteVerdict]) -> DeviceVerdict:
    """Of sites that are all decided, or of which the last one passes."""
    best = min(verdicts, key=lambda verdict: verdict.closeness)
    return DeviceVerdict(
        device=device,
        best=best,
        others=tuple(verdict for verdict in verdicts if verdict is not best),
    )


def _try_device(assessed: DeviceVerdict, limits: Limits, bench: Bench) -> DeviceVerdict:
    """Tries the sites out, the smallest first, until one passes."""
    by_site = {verdict.site: verdict for verdict in (assessed.best, *assessed.others)}
    verdicts: list[SiteVerdict] = []
    for site in assessed.device.sites:
        verdict = by_site[site]
        if verdict.passed:
            verdict = complete(verdict, bench.try_out(site, verdict.precision), limits)
        elif verdict.backend is not None:
            # Nothing is run that cannot pass; how far it is off counts its latency too.
            figure = bench.foretell(site, verdict.precision)
            latency = check_latency(figure, limits.latency_budget_ms)
            verdict = _with_check(attrs.evolve(verdict, trial=Trial(figure=figure)), latency)
        verdicts.append(verdict)
        if verdict.passed:
            break
    return _decide(assessed.device, verdicts)


def _is_faster(verdict: DeviceVerdict, than: DeviceVerdict) -> bool:
    one, other = verdict.figure, than.figure
    return one is not None and other is not None and one.median_ms < other.median_ms


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
    faster) can change any more: what is being tried out then is called off, and the remaining
    devices keep the checks that need no run, so that the outcome does not depend on which trial
    was the quickest. However it ends, nothing runs on behind it.

    Args:
        every: try all devices out that pass the checks before it.
        parallel: devices tried out at once.
    """
    ordered = sorted(devices, key=lambda device: (device.cost, device.id))
    assessed = [
        _decide(device, [choose_precision(site, vector, limits) for site in device.sites])
        for device in ordered
    ]
    if observer is not None:
        for verdict in assessed:
            observer.assessed(verdict)
    verdicts: list[DeviceVerdict] = []
    target: DeviceVerdict | None = None
    next_tier: DeviceVerdict | None = None
    with _trials(assessed, limits, bench, parallel) as trials:
        for trial in trials:
            verdict = result_of(trial)
            verdicts.append(verdict)
            if observer is not None:
                observer.decided(verdict)
            if verdict.passed and target is None:
                target = verdict
            elif verdict.passed and next_tier is None and target and _is_faster(verdict, target):
                next_tier = verdict
            if next_tier is not None and not every:
                break
    for verdict in assessed[len(verdicts) :]:
        verdicts.append(verdict)
        if observer is not None:
            observer.decided(verdict)
    closest = min(verdicts, key=lambda v: (*v.best.closeness, v.device.cost), default=None)
    return Selection(
        target=target or closest,
        met=target is not None,
        next_tier=next_tier,
        verdicts=tuple(verdicts),
    )


@contextlib.contextmanager
def _trials(
    assessed: Sequence[DeviceVerdict], limits: Limits, bench: Bench, parallel: int
) -> Iterator[list[Future[DeviceVerdict]]]:
    """Trials in the order given; those that are not over at the end are called off."""
    pool = ThreadPoolExecutor(max_workers=max(1, parallel))
    try:
        yield [pool.submit(_try_device, verdict, limits, bench) for verdict in assessed]
    finally:
        bench.stop()
        pool.shutdown(wait=True, cancel_futures=True)
