"""Roofline projections of a plan's ops on a domain of a board, from its profile."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from devices import Accelerator, Core, Domain, PowerMode
from host.compiler import PlannedOp
from host.errors import ConfigError
from host.targeting.simulate.roofline import Demand, Projection, Roof, project

_ELEMENT_BYTES = {"int4": 1.0, "int8": 1.0, "float16": 2.0, "float32": 4.0}
"""Of an activation; int4 is a precision of weights."""
_CONSTANT_BYTES = {**_ELEMENT_BYTES, "int4": 0.5}
_COMPUTED_AS = {"int4": "int8"}


@attrs.frozen(kw_only=True)
class RooflineResult:
    """Projections of each op, or a single one where the ops are not known.

    ``energy_mj``: of one inference, where the power mode's watts are known.
    """

    roof: Roof
    ops: tuple[Projection, ...]
    power_mode: str | None
    energy_mj: float | None

    @property
    def seconds(self) -> float:
        return sum(op.seconds for op in self.ops)


def project_ops(
    domain: Domain,
    ops: Sequence[PlannedOp] | None,
    flops: float,
    precision: str,
    *,
    on: str,
    mode: PowerMode | None = None,
) -> RooflineResult:
    """What the roofline foretells.

    Args:
        ops: of the int8 plan; None: ``flops`` is all that is known, and memory is left out.
        on: one of :func:`processors`.
        mode: None: the full clock and bandwidth.

    Raises:
        ConfigError: ``on`` does not execute ``precision``, or the profile lacks a figure.
    """
    roof = roof_of(domain, precision, on)
    if mode is not None:
        roof = roof.scaled(mode.clock_scale.value, mode.bandwidth_scale.value)
    demands = (
        [Demand(ops=flops, memory_bytes=0.0)]
        if ops is None
        else [demand_of(op, precision) for op in ops]
    )
    projections = tuple(project(demand, roof) for demand in demands)
    watts = None if mode is None or mode.watts is None else mode.watts.value
    seconds = sum(projection.seconds for projection in projections)
    return RooflineResult(
        roof=roof,
        ops=projections,
        power_mode=None if mode is None else mode.name,
        energy_mj=None if watts is None else watts * seconds * 1e3,
    )


def demand_of(op: PlannedOp, precision: str) -> Demand:
    """What an op of the int8 plan needs where it is computed in ``precision``.

    Every tensor moves once: what is used again lies in caches or registers.
    """
    activations = sum(op.input_bytes) + op.output_bytes
    return Demand(
        ops=2.0 * op.macs if op.macs else float(op.output_bytes),
        memory_bytes=activations * _ELEMENT_BYTES[precision],
        constant_bytes=op.constant_bytes * _CONSTANT_BYTES[precision],
    )


def processors(domain: Domain, precision: str, backends: Sequence[str]) -> tuple[str, ...]:
    """What may compute it: accelerators that a backend reaches, then the fastest kind of core.

    Each kind by its fastest member, the fastest first; an accelerator that is slower than the
    core is left out.

    Raises:
        ConfigError: nothing here computes ``precision``.
    """
    reached = [unit for unit in domain.accelerators if unit.backend in backends]
    best = [
        max(rates)
        for units in (reached, domain.cores)
        if (rates := [(rate, u.name) for u in units if (rate := _macs_per_s(u, precision))])
    ]
    if not best:
        executed = [
            dtype for dtype in _ELEMENT_BYTES if any(_macs_per_s(c, dtype) for c in domain.cores)
        ]
        raise ConfigError(
            f"{domain.part} does not execute {precision}"
            + (f"; the nearest that it does is {executed[-1]}" if executed else "")
        )
    if len(best) == 2 and best[0] < best[1]:
        del best[0]
    return tuple(name for _, name in best)


def roof_of(domain: Domain, precision: str, on: str) -> Roof:
    """The roof of one of the domain's processors.

    Of a kind of core, one counts: the engines run an inference on one thread.

    Raises:
        ConfigError: it does not compute ``precision``, or the profile lacks a figure.
    """
    units: list[Core | Accelerator] = [*domain.cores, *domain.accelerators]
    rate = next((_macs_per_s(unit, precision) for unit in units if unit.name == on), None)
    if rate is None:
        raise ConfigError(f"{on} of {domain.part} does not execute {precision}")
    if domain.memory_gb_s is None:
        raise ConfigError(f"the profile of {domain.part} lacks memory_gb_s: nothing to project by")
    flash = domain.flash_gb_s
    return Roof(
        ops_per_s=2.0 * rate,
        memory_bytes_per_s=domain.memory_gb_s.value * 1e9,
        flash_bytes_per_s=None if flash is None else flash.value * 1e9,
    )


def _macs_per_s(unit: Core | Accelerator, precision: str) -> float | None:
    """Of one core of the kind, or of the whole accelerator; None where it cannot."""
    dtype = unit.dtypes.get(_COMPUTED_AS.get(precision, precision))
    if dtype is None or not dtype.realized or dtype.macs_per_cycle is None:
        return None
    if unit.clock_hz is None:
        return None
    count = unit.count.value if isinstance(unit, Accelerator) else 1.0
    return dtype.macs_per_cycle.value * unit.clock_hz.value * count
