"""Finds and starts emulated boards.

An emulator is a class that another package registers under the entry point group
``jumpstation.emulators``, with the board's id as its name; the host knows none by itself.
"""

from __future__ import annotations

from importlib.metadata import entry_points
from pathlib import Path
from typing import Protocol

from host.errors import ConfigError
from host.links.emulator import EmulatorLink, RunningBoard

ENTRY_POINT_GROUP = "jumpstation.emulators"


class Emulator(Protocol):
    """What an entry point of the group names: a class without constructor arguments."""

    @property
    def flash_models(self) -> tuple[str, ...]:
        """Ways in which the time of flash accesses is modelled; the first is the default.

        Empty where there is nothing to choose.
        """
        ...

    @property
    def links(self) -> tuple[str, ...]:
        """Ways from the host to the board, such as its UART; the first is the default."""
        ...

    @property
    def default_firmware(self) -> Path:
        """The image that `make firmware` builds for the board."""
        ...

    def missing(self) -> str | None:
        """What this machine lacks to start it, as one clause; ``None`` where nothing."""
        ...

    def start(
        self,
        *,
        firmware: Path | None = None,
        flash_model: str | None = None,
        flash_file: Path | None = None,
        link: str | None = None,
        deadline_s: float = 20.0,
    ) -> RunningBoard:
        """Starts one board; ``None`` means the emulator's default."""
        ...


def emulated_boards() -> list[str]:
    """Ids of the boards that an installed emulator stands in for, sorted."""
    return sorted(point.name for point in entry_points(group=ENTRY_POINT_GROUP))


def find_emulator(board: str) -> Emulator:
    """The emulator for a board id.

    Raises:
        ConfigError: none is installed for it.
    """
    for point in entry_points(group=ENTRY_POINT_GROUP, name=board):
        emulator: Emulator = point.load()()
        return emulator
    known = ", ".join(emulated_boards()) or "none"
    raise ConfigError(
        f"no emulator for board {board!r} (installed: {known})",
        hint="`make setup` installs the emulators of this repository",
    )


def open_emulator(
    board: str,
    *,
    firmware: Path | None = None,
    flash_model: str | None = None,
    flash_file: Path | None = None,
    link: str | None = None,
    deadline_s: float = 20.0,
) -> EmulatorLink:
    """Starts an emulated board and joins one of its links; closing that ends the board.

    Raises:
        ConfigError: no such emulator or link, or something it needs is missing.
        LinkError: the board stopped before it was ready.
        DeadlineExceeded: it was not ready within ``deadline_s``.
    """
    running = find_emulator(board).start(
        firmware=firmware,
        flash_model=flash_model,
        flash_file=flash_file,
        link=link,
        deadline_s=deadline_s,
    )
    return EmulatorLink(running)
