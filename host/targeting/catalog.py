"""The catalog's boards as what targeting decides between."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from devices import Backend, Domain, Figure, Profile
from host.errors import ConfigError
from host.targeting.cost import cost
from host.targeting.site import Device, Site, SiteBackend
from protocol.plan import PlanOp

PLAN_CONTRACT = "tflite_micro"
"""The backend whose models are plans, of whose kinds of ops the engine has a kernel each."""


def devices_for(profiles: Sequence[Profile], include: tuple[str, ...] = ()) -> tuple[Device, ...]:
    """The candidates and those that are named, in the order in which they are tried.

    Args:
        profiles: what :func:`devices.load_all` returns.
        include: ids of boards that are no candidates, such as a user's own; a candidate may be
            named too.

    Returns:
        The cheapest first; of equal cost, in the order of their ids.

    Raises:
        ConfigError: an id of ``include`` is unknown, or a figure that targeting needs is not in a
            profile.
    """
    known = {profile.id: profile for profile in profiles}
    for device_id in include:
        if device_id not in known:
            raise ConfigError(
                f"unknown board {device_id!r}", hint=f"known boards: {', '.join(sorted(known))}"
            )
    chosen = [p for p in known.values() if p.candidate or p.id in include]
    return tuple(sorted(map(_device, chosen), key=lambda device: (device.cost, device.id)))


def _device(profile: Profile) -> Device:
    sites = tuple(
        _site(profile, domain, f"domains[{index}]." if len(profile.domains) > 1 else "")
        for index, domain in enumerate(profile.domains)
    )
    return Device(
        id=profile.id,
        cost=cost(
            _needed(profile, "ai_compute", profile.ai_compute),
            sum(site.ram_kb for site in sites) / 1024,
            int(_needed(profile, "price_class", profile.price_class)),
        ),
        sites=sites,
    )


def _site(profile: Profile, domain: Domain, where: str) -> Site:
    flash_kb = None if domain.flash_kb is None else domain.flash_kb.value
    firmware_kb = 0.0
    if flash_kb is not None:
        firmware_kb = _needed(profile, f"{where}firmware_kb", domain.firmware_kb)
    clocks = [core.clock_hz.value for core in domain.cores if core.clock_hz is not None]
    return Site(
        device=profile.id,
        domain=domain.name,
        part=domain.part,
        clock_hz=max(clocks, default=None),
        ram_kb=_needed(profile, f"{where}ram_mb", domain.ram_mb) * 1024,
        reserved_kb=_needed(profile, f"{where}reserved_kb", domain.reserved_kb),
        flash_kb=flash_kb,
        firmware_kb=firmware_kb,
        backends=tuple(_backends(domain.backends)),
        has_ui=domain.has_ui,
    )


def _backends(backends: Sequence[Backend]) -> Iterator[SiteBackend]:
    kinds = frozenset(kind.name for kind in PlanOp)
    for backend in backends:
        yield SiteBackend(
            name=backend.name,
            engine=backend.engine,
            precisions=backend.precisions,
            ops=kinds - backend.omits if backend.name == PLAN_CONTRACT else None,
        )


def _needed(profile: Profile, field: str, figure: Figure | None) -> float:
    if figure is None:
        raise ConfigError(
            f"{profile.path}: {field}: not there, and targeting needs it",
            hint="a figure that is not known can be estimated, with method `default`",
        )
    return figure.value
