"""Reads device profiles; what it returns has been checked against the schema."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import attrs
import jsonschema

CATALOG = Path(__file__).resolve().parent
SCHEMA_PATH = CATALOG / "schema.json"
PROFILE_NAME = "profile.json"


class ProfileError(ValueError):
    """A profile that cannot be used: the text names the file, the field and the reason."""


class UnknownDeviceError(LookupError):
    """No device of that id; the text lists the known ones."""


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
class Core:
    """One kind of core; ``None`` where the board itself says."""

    name: str
    count: Figure | None
    isa: str
    clock_hz: Figure | None


@attrs.frozen
class Backend:
    """A contract (such as TFLM's ops and arithmetic) and the engine that fulfils it."""

    name: str
    engine: str
    precisions: tuple[str, ...]


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


@attrs.frozen
class Profile:
    """One board. ``rank`` orders the tiers, 1 is the smallest; None outside of them."""

    id: str
    name: str
    part: str
    rank: int | None
    candidate: bool
    cores: tuple[Core, ...]
    ram_mb: Figure | None
    flash_kb: Figure | None
    backends: tuple[Backend, ...]
    transports: tuple[Transport, ...]
    emulator: Emulator | None
    programmer: Programmer | None = None


def load(device_id: str, catalog: Path = CATALOG) -> Profile:
    """The profile of one device.

    Raises:
        UnknownDeviceError: ``catalog`` has no such device.
        ProfileError: its profile cannot be read or breaks the schema.
    """
    known = _ids(catalog)
    if device_id not in known:
        raise UnknownDeviceError(f"unknown board {device_id!r}; known: {', '.join(known)}")
    return _read(catalog / device_id / PROFILE_NAME)


def load_all(catalog: Path = CATALOG) -> tuple[Profile, ...]:
    """Every profile of ``catalog``: the tiers from the smallest, then the others by id.

    Raises:
        ProfileError: a profile cannot be read or breaks the schema.
    """
    profiles = [_read(catalog / device_id / PROFILE_NAME) for device_id in _ids(catalog)]
    return tuple(sorted(profiles, key=lambda p: (p.rank is None, p.rank or 0, p.id)))


def _ids(catalog: Path) -> list[str]:
    return sorted(path.parent.name for path in catalog.glob(f"*/{PROFILE_NAME}"))


@cache
def _validator() -> jsonschema.Draft202012Validator:
    schema = json.loads(SCHEMA_PATH.read_text(encoding="utf-8"))
    return jsonschema.Draft202012Validator(schema)


def _read(path: Path) -> Profile:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ProfileError(f"{path}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise ProfileError(f"{path}: not UTF-8: {error.reason}") from error
    except json.JSONDecodeError as error:
        raise ProfileError(f"{path}: line {error.lineno}: {error.msg}") from error
    broken = jsonschema.exceptions.best_match(_validator().iter_errors(data))
    if broken is not None:
        raise ProfileError(f"{path}: {broken.json_path.removeprefix('$.')}: {broken.message}")
    if data["id"] != path.parent.name:
        raise ProfileError(f"{path}: id: {data['id']!r} is not the folder's name")
    return _profile(data)


def _profile(data: dict[str, Any]) -> Profile:
    emulator = data["emulator"]
    return Profile(
        id=data["id"],
        name=data["name"],
        part=data["part"],
        rank=data["rank"],
        candidate=data["candidate"],
        cores=tuple(
            Core(core["name"], _figure(core["count"]), core["isa"], _figure(core["clock_hz"]))
            for core in data["cores"]
        ),
        ram_mb=_figure(data["ram_mb"]),
        flash_kb=_figure(data["flash_kb"]),
        backends=tuple(
            Backend(backend["name"], backend["engine"], tuple(backend["precisions"]))
            for backend in data["backends"]
        ),
        transports=tuple(_transport(transport) for transport in data["transports"]),
        emulator=None
        if emulator is None
        else Emulator(emulator["name"], emulator["fidelity"], _figure(emulator["error_band_pct"])),
        programmer=_programmer(data.get("programmer")),
    )


def _transport(data: dict[str, Any]) -> Transport:
    return Transport(
        kind=data["kind"],
        baud=_figure(data.get("baud")),
        usb=tuple(
            UsbIdentity(
                int(identity["vendor_id"], 16),
                int(identity["product_id"], 16),
                identity["what"],
                identity["reference"],
                identity.get("generic", False),
            )
            for identity in data.get("usb", ())
        ),
        startup_s=_figure(data.get("startup_s")),
    )


def _programmer(data: dict[str, Any] | None) -> Programmer | None:
    if data is None:
        return None
    arguments = {key: value for key, value in data.items() if key not in ("name", "image")}
    return Programmer(data["name"], data["image"], arguments)


def _figure(data: dict[str, Any] | None) -> Figure | None:
    return None if data is None else Figure(**data)
