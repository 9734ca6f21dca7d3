"""Puts firmware onto a board, and checks over the wire that the board runs it."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import attrs

import devices
from host.boards.ports import ConnectedPort, connected_ports
from host.boards.reach import BoardOnPort
from host.errors import BoardError, ConfigError, DeadlineExceeded, JumpstationError, LinkError
from host.measurement.evidence import find_profile
from host.programming.base import Programmer
from host.programming.built import Manifest, image_of, manifest_of
from host.programming.find import find_programmer
from host.programming.image import read_image
from host.session import Session
from protocol.capabilities import Capabilities

_APPEARS_S = 15.0
"""For a board that leaves the bus to come back as another USB device."""
_POLL_S = 0.5

Notes = Callable[[str], None]


@attrs.frozen
class Flashed:
    """What the board has in its flash, and what it says of itself since.

    ``written``: False where the board had the image already.
    ``manifest``: of the image, where it is one that was built here. ``port``, ``answered``:
    None where no port was given and none could be told from others.
    """

    image: Path
    written: bool
    manifest: Manifest | None
    port: str | None
    answered: Capabilities | None


def flash(
    board: str,
    *,
    port: str | None,
    image: Path | None,
    note: Notes,
    programmer: Programmer | None = None,
) -> Flashed:
    """Programs a physical board, then greets its agent.

    Args:
        board: its id in the catalog.
        port: where it is; None where its programmer finds it.
        image: None: what `make firmware` built.
        programmer: None: the one its profile names.

    Raises:
        ConfigError: board, image, tool or port is missing or unfit.
        LinkError: the board is not there, or could not be written.
        BoardError: what answers afterwards is not what was flashed.
        DeadlineExceeded: programming took too long, or nothing answers afterwards.
    """
    profile = find_profile(board)
    if profile is None:
        known = ", ".join(profile.id for profile in devices.load_all())
        raise ConfigError(f"unknown board {board!r}", hint=f"known boards: {known}")
    tool = programmer or find_programmer(profile)
    path = _image(profile, image)
    manifest = manifest_of(path)
    written = not tool.holds(path, port)
    if written:
        note(f"programming {board} with {path} by {tool.name}")
        tool.program(path, port)
    else:
        note(f"{board} has {path} already: its flash was not written again")
    if port is None or Path(port).is_dir():
        port = _port_that_appears(board)
    if port is None:
        note(f"not checked: no single port is surely a {board}'s; `host boards` lists them")
        return Flashed(path, written, manifest, None, None)
    note(f"waiting for {board} at {port}")
    answered = _greet(board, port)
    _compare(board, port, answered, manifest)
    return Flashed(path, written, manifest, port, answered)


def _image(profile: devices.Profile, image: Path | None) -> Path:
    built = image_of(profile)
    path = image or built
    assert path is not None  # a profile with a programmer names an image
    if not path.is_file():
        raise ConfigError(
            f"{path}: there is no such image",
            hint="give another --image" if image else "`make firmware` builds it",
        )
    size = len(read_image(path).data)
    if profile.flash_kb is not None and size > profile.flash_kb.value * 1024:
        room = round(profile.flash_kb.value * 1024)
        raise ConfigError(
            f"{path}: {size:,} bytes, {size - room:,} more than the flash of {profile.id} holds",
            hint="check --board and --image",
        )
    return path


def _port_that_appears(board: str) -> str | None:
    """The one port whose USB identity is the board's alone, once it is there."""
    ends = time.monotonic() + _APPEARS_S
    while True:
        ports = [port for port in connected_ports(devices.load_all()) if port.board == board]
        if len(ports) == 1:
            return _stable_name(ports[0])
        if ports or time.monotonic() > ends or not _has_own_identity(board):
            return None
        time.sleep(_POLL_S)


def _stable_name(port: ConnectedPort) -> str:
    return port.by_id or port.device


def _has_own_identity(board: str) -> bool:
    profile = find_profile(board)
    return profile is not None and any(
        not identity.generic for transport in profile.transports for identity in transport.usb
    )


def _greet(board: str, port: str) -> Capabilities:
    """What the board says of itself, once its port has come back."""
    ends = time.monotonic() + _APPEARS_S
    while True:
        try:
            with Session(BoardOnPort(port, board).open()) as session:
                return session.connect()
        except JumpstationError as error:
            if isinstance(error, LinkError) and time.monotonic() < ends:
                time.sleep(_POLL_S)
                continue
            if isinstance(error, DeadlineExceeded | LinkError):
                error.hint = (
                    f"the image was written, but no agent answers at {port}: check that this is "
                    f"the {board}'s port, then press its reset button and run `host boards`"
                )
            raise


def _compare(board: str, port: str, answered: Capabilities, manifest: Manifest | None) -> None:
    if answered.board != board:
        raise BoardError(
            f"what answers at {port} is a {answered.board!r}, not the {board!r} that was flashed",
            hint="check --port and --image",
        )
    if manifest is not None and answered.build != manifest.build:
        raise BoardError(
            f"the board at {port} still runs the build {answered.build!r}; "
            f"the image is {manifest.build!r}",
            hint="check that --port leads to the board that was flashed, then flash it again",
        )
