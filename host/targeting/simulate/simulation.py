"""A latency where nothing is measured now: the best evidence that there is, and which it is."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path

import attrs

import devices
from devices import Domain, Profile
from host.compiler import PlannedOp
from host.errors import ConfigError
from host.evidence import History, Query
from host.targeting.latency import (
    GATING_FIDELITIES,
    LatencyFigure,
    Method,
    figure_of,
    is_by_engine_of,
)
from host.targeting.simulate.calibration import FILE_NAME, Calibration, Prediction
from host.targeting.simulate.projection import processors, project_ops
from host.targeting.site import Site
from protocol.measurement import Evidence, Fidelity, Measurement, Source, Verdict

ROOFLINE_FACTOR = 2.0
"""A roofline's figure may be off by so much, up or down: overheads and caches are not in it."""
_SAME_CORE_FACTOR = 1.3
"""The same core in another part: other wait states, other caches."""
_SAME_ISA_FACTOR = 1.6
"""Another core of the instruction set: other cycles an instruction as well."""
_MACS_PER_FLOP = 0.5
_SIMULATED = Evidence(source=Source.SIMULATED, fidelity=Fidelity.MODEL)
_CLOCK_ROUNDING = 0.02
_CELL_RECORDS = 32
"""How many of a cell's latest measurements are looked through for one that was right."""
_RANK = (Source.HARDWARE, Source.EMULATED)


def simulate(
    site: Site,
    ops: Sequence[PlannedOp] | None,
    flops: int | None,
    precision: str,
    history: History | None = None,
    *,
    model_sha256: str | None = None,
    profile: Profile | None = None,
) -> LatencyFigure:
    """The latency of one inference; the first of these that there is:

    a measurement in the history of this model, board and clock; the board's calibrated cost
    model; that of a related core; the roofline of the board's profile.

    Args:
        ops: of the int8 plan; None where no more than ``flops`` is known of the model.
        precision: ``int4``, ``int8``, ``float16`` or ``float32``.
        history: where measurements are looked up; with ``model_sha256``.
        profile: the board's; None: the catalog's.

    Raises:
        ConfigError: there are neither ops nor flops, or the profile lacks what it takes.
    """
    if ops is None and flops is None:
        raise ConfigError(f"{site.device}: neither ops nor operations are known: no latency")
    measured = measured_cell(site, precision, history, model_sha256)
    if measured is not None:
        return figure_of(measured, site.part)
    profile = profile or _profile(site.device)
    domain = profile.domain(site.domain)
    if domain is None:
        raise ConfigError(f"{profile.path}: has no domain {site.domain!r}")
    runs_plans = any(
        backend.engine == "jump_rt" and precision in backend.precisions for backend in site.backends
    )
    if runs_plans:
        own = _calibration(profile.path.with_name(FILE_NAME), site.domain)
        if own is not None:
            return _by_cost_model(site, own, ops, flops)
        related = _related(domain, profile)
        if related is not None:
            return _by_related(site, related, ops, flops)
    return _by_roofline(site, domain, ops, flops, precision)


def measured_cell(
    site: Site,
    precision: str,
    history: History | None,
    model_sha256: str | None,
    sources: Sequence[Source] = _RANK,
) -> Measurement | None:
    """The latest measurement of the best source whose output was not wrong.

    Args:
        sources: those that count, the best first.

    Returns:
        None where the history has none of this model, board, domain and clock.
    """
    if history is None or model_sha256 is None:
        return None
    for source in sources:
        query = Query(
            model_sha256=model_sha256,
            precision=precision,
            board_id=site.device,
            domain=site.domain,
            sources=(source,),
            fidelities=GATING_FIDELITIES,
        )
        for record in history.find(query, limit=_CELL_RECORDS):
            was_right = record.output.verdict in (Verdict.EXACT, Verdict.UNCHECKED)
            if was_right and is_by_engine_of(site, record) and _has_clock_of(site, record):
                return record
    return None


def _has_clock_of(site: Site, record: Measurement) -> bool:
    """Within what a data sheet rounds off: Linux calls a "2 GHz" core 2.016 GHz."""
    if site.clock_hz is None:
        return True
    clock_hz = record.board.clock_hz
    return clock_hz is not None and abs(clock_hz / site.clock_hz - 1.0) < _CLOCK_ROUNDING


def _profile(device: str) -> Profile:
    try:
        return devices.load(device)
    except (devices.UnknownDeviceError, devices.ProfileError) as error:
        raise ConfigError(str(error)) from error


@lru_cache
def _read(path: Path, _changed_ns: int) -> Calibration:
    return Calibration.read(path)


def _calibration(path: Path, domain: str) -> Calibration | None:
    if not path.is_file():
        return None
    calibration = _read(path, path.stat().st_mtime_ns)
    return calibration if calibration.domain == domain else None


@attrs.frozen
class _Related:
    """A calibration of another board, and by how much its cycles may be off here."""

    calibration: Calibration
    factor: float
    what: str


def _related(domain: Domain, profile: Profile) -> _Related | None:
    """The closest calibrated core of the instruction set."""
    found = sorted(_candidates(domain, profile), key=lambda entry: (entry.factor, entry.what))
    return found[0] if found else None


def _candidates(domain: Domain, profile: Profile) -> Iterator[_Related]:
    core = domain.cores[0]
    for other in devices.load_all():
        for their in other.domains:
            kin = their.cores[0]
            if other.id == profile.id or kin.isa != core.isa:
                continue
            calibration = _calibration(other.path.with_name(FILE_NAME), their.name)
            if calibration is not None:
                factor = _SAME_CORE_FACTOR if kin.name == core.name else _SAME_ISA_FACTOR
                yield _Related(calibration, factor, other.id)


def _predict(
    calibration: Calibration, ops: Sequence[PlannedOp] | None, flops: int | None
) -> Prediction:
    if ops is not None:
        return calibration.predict(ops)
    assert flops is not None
    return calibration.predict_macs(flops * _MACS_PER_FLOP)


def _by_cost_model(
    site: Site, calibration: Calibration, ops: Sequence[PlannedOp] | None, flops: int | None
) -> LatencyFigure:
    prediction = _predict(calibration, ops, flops)
    clock_hz = site.clock_hz or calibration.clock_hz
    return _figure(site, clock_hz, prediction, calibration, Method.COST_MODEL, "cost model")


def _by_related(
    site: Site, related: _Related, ops: Sequence[PlannedOp] | None, flops: int | None
) -> LatencyFigure:
    calibration = related.calibration
    at = _predict(calibration, ops, flops)
    clock_hz = site.clock_hz or calibration.clock_hz
    scale = calibration.clock_hz / clock_hz
    prediction = Prediction(at.cycles, at.low / related.factor, at.high * related.factor)
    note = f"cost model of {related.what} x{scale:.3g}"
    return _figure(site, clock_hz, prediction, calibration, Method.SCALED, note)


def _figure(
    site: Site,
    clock_hz: float,
    prediction: Prediction,
    calibration: Calibration,
    method: Method,
    note: str,
) -> LatencyFigure:
    """Widened by how far from silicon the calibration's own measurements may be."""
    band = 1.0 + (calibration.error_band_pct or 0.0) / 100.0
    per_ms = clock_hz / 1e3
    cycles = prediction.cycles / per_ms
    return LatencyFigure(
        median_ms=cycles,
        max_ms=cycles,
        low_ms=prediction.low / band / per_ms,
        high_ms=prediction.high * band / per_ms,
        method=method,
        evidence=_SIMULATED,
        label=f"{site.part} @ {clock_hz / 1e6:g}MHz, {note}",
    )


def _by_roofline(
    site: Site,
    domain: Domain,
    ops: Sequence[PlannedOp] | None,
    flops: int | None,
    precision: str,
) -> LatencyFigure:
    names = [backend.name for backend in site.backends if precision in backend.precisions]
    projections_ms = [
        project_ops(domain, ops, float(flops or 0), precision, on=name).seconds * 1e3
        for name in processors(domain, precision, names)
    ]
    # The fastest first. An accelerator's figures are peaks, and starting it costs time that no
    # profile knows: it is no faster than its roof, and no slower than the core beside it.
    fastest_ms, slowest_ms = projections_ms[0], projections_ms[-1]
    middle_ms = math.sqrt(fastest_ms * slowest_ms)
    clock = f" @ {site.clock_hz / 1e6:g}MHz" if site.clock_hz else ""
    return LatencyFigure(
        median_ms=middle_ms,
        max_ms=middle_ms,
        low_ms=fastest_ms / ROOFLINE_FACTOR,
        high_ms=slowest_ms * ROOFLINE_FACTOR,
        method=Method.ROOFLINE,
        evidence=_SIMULATED,
        label=f"{site.part}{clock}, roofline",
    )
