"""What is asked of a board, and what becomes of each: plain values."""

from __future__ import annotations

import attrs

from host.targeting.checks import CheckResult, Status
from host.targeting.latency import LatencyFigure
from host.targeting.site import Device, Site, SiteBackend
from protocol.measurement import Measurement


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

    ``failure`` is set where the board refused the model or its output was wrong; ``unmeasured``
    says why there is no measurement where one was tried.
    """

    figure: LatencyFigure | None = None
    record: Measurement | None = None
    failure: CheckResult | None = None
    unmeasured: str | None = None


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
    def closeness(self) -> tuple[int, float]:
        """Orders verdicts: the fewest failures first, then the smallest violation."""
        return len(self.failed), sum(check.violation for check in self.failed)


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
    def is_decided(self) -> bool:
        """Whether it is decided, by a trial or by a check that needs none."""
        return not self.best.passed or self.best.trial is not None

    @property
    def figure(self) -> LatencyFigure | None:
        """Its latency, measured or foretold; None where nothing is known of it."""
        return self.best.trial.figure if self.best.trial else None


@attrs.frozen(kw_only=True)
class Selection:
    """``target`` is the closest where ``met`` is False; None where there is no device at all."""

    target: DeviceVerdict | None
    met: bool
    next_tier: DeviceVerdict | None
    verdicts: tuple[DeviceVerdict, ...]
