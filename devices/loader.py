"""Reads device profiles; what it returns has been checked against the schema."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema

from devices.profile import (
    Accelerator,
    Backend,
    Core,
    Domain,
    Dtype,
    Emulator,
    Figure,
    PowerMode,
    Profile,
    Programmer,
    Transport,
    UsbIdentity,
)

CATALOG = Path(__file__).resolve().parent
"""The boards that are shipped."""

SCHEMA_PATH = CATALOG / "schema.json"
PROFILE_NAME = "profile.json"


class ProfileError(ValueError):
    """A profile that cannot be used: the text names the file, the field and the reason."""


class UnknownDeviceError(LookupError):
    """No device of that id; the text lists the known ones."""


def load(device_id: str, *catalogs: Path) -> Profile:
    """The profile of one device; no other device's is read.

    Args:
        catalogs: as for :func:`load_all`.

    Raises:
        UnknownDeviceError: there is no such device.
        ProfileError: its profile cannot be read or breaks the schema, or a catalog cannot be used.
    """
    paths = _paths(catalogs)
    if device_id not in paths:
        raise UnknownDeviceError(f"unknown board {device_id!r}; known: {', '.join(sorted(paths))}")
    return _read(paths[device_id])


def load_all(*catalogs: Path) -> tuple[Profile, ...]:
    """Every profile: the tiers from the smallest, then the others by id.

    An id may be in one catalog alone. A second profile does not replace the first, because
    measurements are kept by id, and two boards of one name could not be told apart in them.

    Args:
        catalogs: folders with a folder a board, or the folder of one board; by default the boards
            that are shipped alone. A user's boards beside those: ``load_all(CATALOG, folder)``.

    Raises:
        ProfileError: a profile cannot be read or breaks the schema; an id or a rank is used twice;
            a catalog is no folder, or there is no profile in it.
    """
    profiles = [_read(path) for path in _paths(catalogs).values()]
    ranked: dict[int, Profile] = {}
    for profile in profiles:
        if profile.rank is None:
            continue
        other = ranked.setdefault(profile.rank, profile)
        if other is not profile:
            raise ProfileError(f"{profile.path}: rank: {profile.rank} is that of {other.path}")
    return tuple(sorted(profiles, key=lambda p: (p.rank is None, p.rank or 0, p.id)))


def _paths(catalogs: tuple[Path, ...]) -> dict[str, Path]:
    """The profile of every id."""
    paths: dict[str, Path] = {}
    for catalog in catalogs or (CATALOG,):
        if not catalog.is_dir():
            raise ProfileError(f"{catalog}: no such folder")
        own = catalog.resolve() / PROFILE_NAME
        found = [own] if own.is_file() else sorted(catalog.glob(f"*/{PROFILE_NAME}"))
        if not found:
            raise ProfileError(f"{catalog}: neither it nor a folder in it has a {PROFILE_NAME}")
        for path in found:
            other = paths.setdefault(path.parent.name, path)
            if other is not path:
                raise ProfileError(f"{path}: id: {path.parent.name!r} is that of {other}")
    return paths


@cache
def _validator() -> jsonschema.Draft202012Validator:
    schema = json.loads(SCHEMA_PATH.read_text(encoding="utf-8"))
    return jsonschema.Draft202012Validator(schema)


def _read(path: Path) -> Profile:
    try:
        state = path.stat()
    except OSError as error:
        raise ProfileError(f"{path}: {error.strerror or error}") from error
    return _read_as_of(path, state.st_mtime_ns, state.st_size)


@cache
def _read_as_of(path: Path, _mtime_ns: int, _size_bytes: int) -> Profile:
    """Once for each state of the file: whatever opens a link asks for profiles."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ProfileError(f"{path}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise ProfileError(f"{path}: not UTF-8: {error.reason}") from error
    except json.JSONDecodeError as error:
        raise ProfileError(f"{path}: line {error.lineno}: {error.msg}") from error
    except RecursionError as error:
        raise ProfileError(f"{path}: nested too deeply") from error
    broken = jsonschema.exceptions.best_match(_validator().iter_errors(data))
    if broken is not None:
        raise ProfileError(f"{path}: {_field(broken)}: {broken.message}")
    if data["id"] != path.parent.name:
        raise ProfileError(f"{path}: id: {data['id']!r} is not the folder's name")
    domains = data.get("domains", (data,))
    names = [domain.get("domain", "mcu") for domain in domains]
    if len(set(names)) < len(names):
        raise ProfileError(f"{path}: domains: two of one name")
    return Profile(
        id=data["id"],
        name=data["name"],
        rank=data["rank"],
        candidate=data["candidate"],
        ai_compute=_figure(data.get("ai_compute")),
        price_class=_figure(data.get("price_class")),
        domains=tuple(_domain(domain) for domain in domains),
        path=path,
    )


def _field(broken: jsonschema.ValidationError) -> str:
    """Where it is broken, as one would write it: ``cores[0].clock_hz``."""
    path = str(broken.json_path).removeprefix("$").removeprefix(".")
    return path or "profile"


def _domain(data: dict[str, Any]) -> Domain:
    emulator = data["emulator"]
    return Domain(
        name=data.get("domain", "mcu"),
        part=data["part"],
        os=data.get("os"),
        has_ui=data.get("has_ui", False),
        cores=tuple(
            Core(
                core["name"],
                _figure(core["count"]),
                core["isa"],
                _figure(core["clock_hz"]),
                _dtypes(core.get("dtypes", {})),
            )
            for core in data["cores"]
        ),
        accelerators=tuple(
            Accelerator(
                name=entry["name"],
                backend=entry["backend"],
                count=Figure(**entry["count"]),
                clock_hz=Figure(**entry["clock_hz"]),
                dtypes=_dtypes(entry["dtypes"]),
            )
            for entry in data.get("accelerators", ())
        ),
        ram_mb=_figure(data["ram_mb"]),
        reserved_kb=_figure(data.get("reserved_kb")),
        flash_kb=_figure(data["flash_kb"]),
        firmware_kb=_figure(data.get("firmware_kb")),
        memory_gb_s=_figure(data.get("memory_gb_s")),
        flash_gb_s=_figure(data.get("flash_gb_s")),
        backends=tuple(
            Backend(
                backend["name"],
                backend["engine"],
                tuple(backend["precisions"]),
                frozenset(backend.get("omits", ())),
            )
            for backend in data["backends"]
        ),
        power_modes=tuple(
            PowerMode(
                mode["name"],
                _figure(mode["watts"]),
                Figure(**mode["clock_scale"]),
                Figure(**mode["bandwidth_scale"]),
            )
            for mode in data.get("power_modes", ())
        ),
        transports=tuple(_transport(transport) for transport in data["transports"]),
        emulator=None
        if emulator is None
        else Emulator(
            emulator["name"],
            emulator["fidelity"],
            _figure(emulator["error_band_pct"]),
        ),
        programmer=_programmer(data.get("programmer")),
    )


def _dtypes(data: dict[str, Any]) -> Mapping[str, Dtype]:
    return {
        name: Dtype(entry["support"], entry["realized"], _figure(entry.get("macs_per_cycle")))
        for name, entry in data.items()
    }


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
