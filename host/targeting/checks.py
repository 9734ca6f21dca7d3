"""What a site must pass, one function a check. Equality passes everywhere."""

from __future__ import annotations

from enum import StrEnum

import attrs

from host.targeting.latency import LatencyFigure
from host.targeting.site import Site, SiteBackend
from host.targeting.vector import RequirementVector

BITS = {"int4": 8, "int8": 8, "float16": 16, "float32": 32}
"""Of an activation; int4 is a precision of weights."""


TIGHT_HEADROOM = 0.15
"""Part of what there is: with less of it left, what fits is called tight."""


class Status(StrEnum):
    PASSED = "passed"
    FAILED = "failed"
    NOT_CHECKED = "not checked"


@attrs.frozen
class CheckResult:
    """``needed`` and ``available`` are in ``unit``, where the check compares numbers.

    ``tight``: memory is enough, but less than ``TIGHT_HEADROOM`` of it is left.
    """

    name: str
    status: Status
    text: str
    needed: float | None = None
    available: float | None = None
    unit: str | None = None
    tight: bool = False

    @property
    def violation(self) -> float:
        """By how much of what there is the need exceeds it; 1 where nothing is counted."""
        if self.status != Status.FAILED:
            return 0.0
        if self.needed is None or self.available is None:
            return 1.0
        return self.needed / self.available - 1.0 if self.available > 0 else float("inf")


def _compare(name: str, needed: float, available: float, unit: str, what: str) -> CheckResult:
    status = Status.PASSED if needed <= available else Status.FAILED
    text = f"{what}: needs {needed:,.6g} {unit}, has {available:,.6g}"
    return CheckResult(name, status, text, needed, available, unit)


def _fits(name: str, needed_kb: float, available_kb: float, what: str) -> CheckResult:
    result = _compare(name, needed_kb, available_kb, "KB", what)
    if result.status != Status.PASSED or needed_kb <= available_kb * (1.0 - TIGHT_HEADROOM):
        return result
    return attrs.evolve(result, text=f"{result.text} (tight)", tight=True)


def check_ram(site: Site, vector: RequirementVector, precision: str, margin: float) -> CheckResult:
    """Working memory of one inference, times the safety margin, beside what is reserved."""
    plan = vector.plan(precision)
    peak_kb = vector.peak_ram_kb
    if plan is not None and precision != "int8":
        peak_kb = plan.arena_bytes / 1024
    elif plan is None:
        peak_kb *= BITS[precision] / BITS["int8"]
    available_kb = site.ram_kb - site.reserved_kb
    return _fits("ram", peak_kb * margin, available_kb, f"RAM with a margin of {margin:g}")


def check_storage(site: Site, vector: RequirementVector, precision: str) -> CheckResult:
    """Firmware and plan in the flash."""
    if site.flash_kb is None:
        return CheckResult("storage", Status.PASSED, "storage is a file system")
    plan = vector.plan(precision)
    if plan is None:
        return CheckResult(
            "storage", Status.NOT_CHECKED, "storage: the profile does not say how large a plan is"
        )
    needed_kb = plan.plan_bytes / 1024 + site.firmware_kb
    return _fits("storage", needed_kb, site.flash_kb, "flash for firmware and plan")


def check_backend(
    site: Site, vector: RequirementVector, precision: str
) -> tuple[CheckResult, SiteBackend | None]:
    """The first backend that executes the precision and has a kernel for every op."""
    executing = [backend for backend in site.backends if precision in backend.precisions]
    if not executing:
        names = ", ".join(backend.name for backend in site.backends) or "none"
        text = f"no backend executes {precision} (there is: {names})"
        return CheckResult("backend", Status.FAILED, text), None
    plan = vector.plan(precision)
    if plan is None and all(backend.ops is not None for backend in executing):
        text = f"{executing[0].name}: the profile does not name the model's ops"
        return CheckResult("backend", Status.NOT_CHECKED, text), executing[0]
    lacking: list[str] = []
    for backend in executing:
        missing = () if plan is None or backend.ops is None else sorted(plan.ops - backend.ops)
        if not missing:
            text = f"{backend.name} (engine {backend.engine})"
            return CheckResult("backend", Status.PASSED, text), backend
        lacking.append(f"{backend.name} lacks {', '.join(missing)}")
    return CheckResult("backend", Status.FAILED, "; ".join(lacking)), None


def check_quantization(vector: RequirementVector, precision: str, tolerance: float) -> CheckResult:
    """The precision's error against the tolerance, both as parts of 1."""
    error = vector.error(precision)
    if error is None:
        text = f"{precision} error: the profile does not know it"
        return CheckResult("quantization", Status.NOT_CHECKED, text)
    status = Status.PASSED if error.mean <= tolerance else Status.FAILED
    of_range = " of the output's range" if error.relative else ""
    text = (
        f"{precision} error {error.mean * 100:.3g} %{of_range}, tolerance {tolerance * 100:.3g} %"
    )
    return CheckResult("quantization", status, text, error.mean, tolerance, "1")


def check_latency(figure: LatencyFigure | None, budget_ms: float | None) -> CheckResult | None:
    """The worst case against the budget; None where there is no budget."""
    if budget_ms is None:
        return None
    if figure is None:
        return CheckResult("latency", Status.NOT_CHECKED, "latency: nothing is known of it")
    return _compare("latency", figure.judged_ms, budget_ms, "ms", "worst case")


def check_ui(site: Site, ui: bool) -> CheckResult | None:
    """A display and Linux, where the user interface asks for them."""
    if not ui:
        return None
    if site.has_ui:
        return CheckResult("ui", Status.PASSED, "has a display and Linux")
    return CheckResult("ui", Status.FAILED, "has no display and Linux, which --ui asks for")
