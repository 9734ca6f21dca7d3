"""What is known of each board here: emulator, image, programmer, and what is connected."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import attrs

import devices
from host.boards.ports import ConnectedPort, connected_ports
from host.emulators import emulated_boards, find_emulator
from host.errors import ConfigError
from host.links.open import OWN_AGENT
from host.programming.built import image_of, manifest_of
from host.programming.find import find_programmer


@attrs.frozen
class EmulatorStatus:
    """``missing``: what this machine lacks to start it; None where nothing."""

    name: str
    fidelity: str
    error_band_pct: float | None
    missing: str | None


@attrs.frozen
class ImageStatus:
    """``revision``: what it was built from; None where it is not built or not known."""

    path: str
    built: bool
    revision: str | None


@attrs.frozen
class ProgrammerStatus:
    """``missing``: what this machine lacks to use it; None where nothing."""

    name: str
    missing: str | None


@attrs.frozen
class BoardStatus:
    """A board of the catalog.

    ``image`` is what a physical board is flashed with. ``connected`` are ports that are surely
    this board's, ``maybe_connected`` those that may be.
    """

    id: str
    name: str
    part: str
    emulator: EmulatorStatus | None
    image: ImageStatus | None
    programmer: ProgrammerStatus | None
    connected: tuple[ConnectedPort, ...]
    maybe_connected: tuple[ConnectedPort, ...]


@attrs.frozen
class Catalog:
    """Every board, and the ports that are none's."""

    boards: tuple[BoardStatus, ...]
    unknown_ports: tuple[ConnectedPort, ...]


def survey(ports: Sequence[ConnectedPort] | None = None) -> Catalog:
    """Looks at this machine.

    Args:
        ports: what is connected; None looks.

    Raises:
        ConfigError: a profile or a manifest cannot be read.
    """
    try:
        profiles = devices.load_all()
    except devices.ProfileError as error:
        raise ConfigError(str(error)) from error
    found = connected_ports(profiles) if ports is None else ports
    return Catalog(
        boards=tuple(_status(profile, found) for profile in profiles),
        unknown_ports=tuple(port for port in found if not port.candidates),
    )


def _status(profile: devices.Profile, ports: Sequence[ConnectedPort]) -> BoardStatus:
    programmer = None if profile.programmer is None else find_programmer(profile)
    return BoardStatus(
        id=profile.id,
        name=profile.name,
        part=profile.part,
        emulator=_emulator(profile),
        image=_image(profile),
        programmer=None
        if programmer is None
        else ProgrammerStatus(programmer.name, programmer.missing()),
        connected=tuple(port for port in ports if port.board == profile.id),
        maybe_connected=tuple(
            port
            for port in ports
            if port.board is None and any(c.board == profile.id for c in port.candidates)
        ),
    )


def _emulator(profile: devices.Profile) -> EmulatorStatus | None:
    known = profile.emulator
    if known is None:
        return None
    missing: str | None = f"no emulator is installed for {profile.id}"
    if profile.id in emulated_boards():
        missing = find_emulator(profile.id).missing()
    band = known.error_band_pct
    return EmulatorStatus(known.name, known.fidelity, None if band is None else band.value, missing)


def _image(profile: devices.Profile) -> ImageStatus | None:
    path: Path | None = image_of(profile)
    if path is None and any(way.kind == "process" for way in profile.transports):
        path = OWN_AGENT
    if path is None:
        return None
    manifest = manifest_of(path)
    return ImageStatus(str(path), path.is_file(), None if manifest is None else manifest.revision)
