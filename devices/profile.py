"""What is known of a board, as Python values. The schema says what each field means."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs


@attrs.frozen
class Figure:
    """A number with its provenance.

    ``method``: measured | derived_from_measured | vendor_spec | projected | default;
    ``confidence``: high | medium | low.
    """

    value: float
    method: str
    reference: str
    confidence: str


@attrs.frozen
class Dtype:
    """What a core or an accelerator makes of a data type.

    ``support``: native | compatible | fallback | unsupported; ``realized``: a backend of the
    domain computes it (int4 is often storage alone); ``macs_per_cycle``: sustained, each.
    """

    support: str
    realized: bool
    macs_per_cycle: Figure | None


@attrs.frozen
class Core:
    """One kind of core; ``None`` where the board itself says. ``dtypes`` by name."""

    name: str
    count: Figure | None
    isa: str
    clock_hz: Figure | None
    dtypes: Mapping[str, Dtype] = attrs.field(factory=dict)


@attrs.frozen
class Accelerator:
    """A GPU or NPU; ``backend`` reaches it, None where none of ours does."""

    name: str
    backend: str | None
    count: Figure
    clock_hz: Figure
    dtypes: Mapping[str, Dtype]


@attrs.frozen
class Backend:
    """A contract (such as TFLM's ops and arithmetic) and the engine that fulfils it.

    ``omits``: plan kinds that the engine is built without here.
    """

    name: str
    engine: str
    precisions: tuple[str, ...]
    omits: frozenset[str] = frozenset()


@attrs.frozen
class PowerMode:
    """Scales are parts of the domain's clock and memory bandwidth."""

    name: str
    watts: Figure | None
    clock_scale: Figure
    bandwidth_scale: Figure


@attrs.frozen
class UsbIdentity:
    """What a serial port of this board may be found by.

    ``generic``: a converter or probe that other products have too, so that it alone does not
    tell the board.
    """

    vendor_id: int
    product_id: int
    what: str
    reference: str
    generic: bool = False


@attrs.frozen
class Transport:
    """A way to the board: ``serial``, or ``process`` for an agent on this computer.

    ``startup_s``: opening the port resets the board, and its agent listens so much later.
    """

    kind: str
    baud: Figure | None
    usb: tuple[UsbIdentity, ...]
    startup_s: Figure | None = None


@attrs.frozen
class Programmer:
    """What writes an image into the board's flash.

    ``image`` is the image's name in the board's folder of ``build/firmware``; ``arguments``
    are the programmer's own, as the schema has them.
    """

    name: str
    image: str
    arguments: Mapping[str, Any]


@attrs.frozen
class Emulator:
    """``fidelity``: cycle | cycle-estimate | isa-proxy, as evidence ranks them."""

    name: str
    fidelity: str
    error_band_pct: Figure | None


@attrs.frozen(kw_only=True)
class Domain:
    """A processor of a board with its memory: ``mcu`` or ``mpu``, as its agent says.

    ``reserved_kb`` is RAM that no inference gets, ``firmware_kb`` flash that no plan gets, in
    KiB; bandwidths are in 10^9 bytes a second. ``has_ui``: it drives a display, under Linux.
    """

    name: str
    part: str
    os: str | None
    has_ui: bool
    cores: tuple[Core, ...]
    accelerators: tuple[Accelerator, ...]
    ram_mb: Figure | None
    reserved_kb: Figure | None
    flash_kb: Figure | None
    firmware_kb: Figure | None
    memory_gb_s: Figure | None
    flash_gb_s: Figure | None
    backends: tuple[Backend, ...]
    power_modes: tuple[PowerMode, ...]
    transports: tuple[Transport, ...]
    emulator: Emulator | None
    programmer: Programmer | None


@attrs.frozen(kw_only=True)
class Profile:
    """One board; ``domains`` are the smallest first.

    ``rank`` orders the tiers, 1 is the smallest; None outside of them. ``path`` is the file it
    was read from. What follows of one domain alone is of the first: it is what an image is
    programmed into and what an emulator stands in for.
    """

    id: str
    name: str
    rank: int | None
    candidate: bool
    ai_compute: Figure | None
    price_class: Figure | None
    domains: tuple[Domain, ...]
    path: Path

    def domain(self, name: str) -> Domain | None:
        return next((domain for domain in self.domains if domain.name == name), None)

    @property
    def part(self) -> str:
        """The processors of all domains."""
        return " + ".join(domain.part for domain in self.domains)

    @property
    def transports(self) -> tuple[Transport, ...]:
        """Those of all domains."""
        return tuple(way for domain in self.domains for way in domain.transports)

    @property
    def flash_kb(self) -> Figure | None:
        return self.domains[0].flash_kb

    @property
    def emulator(self) -> Emulator | None:
        return self.domains[0].emulator

    @property
    def programmer(self) -> Programmer | None:
        return self.domains[0].programmer
