"""Where a model could run: one domain of one device, in the units that the checks use."""

from __future__ import annotations

import attrs


@attrs.frozen(kw_only=True)
class SiteBackend:
    """A contract, the engine that fulfils it, and what it executes.

    ``ops`` are the plan's kinds that the engine has kernels for; ``None``: any.
    """

    name: str
    engine: str
    precisions: tuple[str, ...]
    ops: frozenset[str] | None = None


@attrs.frozen(kw_only=True)
class Site:
    """A domain (``mcu`` or ``mpu``) of a device. Sizes in KiB.

    ``flash_kb`` None: storage is a file system, as large as it needs to be.
    ``has_ui``: a display can be driven and Linux runs, which ``--ui`` asks for.
    """

    device: str
    domain: str
    part: str
    clock_hz: float | None
    ram_kb: float
    reserved_kb: float
    flash_kb: float | None
    firmware_kb: float
    backends: tuple[SiteBackend, ...]
    has_ui: bool


@attrs.frozen(kw_only=True)
class Device:
    """A board of the catalog: its sites, the smallest first, and what it costs.

    ``cost`` has no unit: see :mod:`host.targeting.cost`.
    """

    id: str
    cost: float
    sites: tuple[Site, ...]
