"""The farm file: which racks there are, and what stands in them."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any

import attrs

from hil.farm.check import check
from hil.farm.located_yaml import LocatedYaml
from hil.farm.power import Power, PowerKind
from host.errors import ConfigError

NO_FLASH = "none"
"""The flash method of a board whose firmware is not the farm's business."""


class BoardKind(StrEnum):
    """How the rack's machine reaches a board."""

    SERIAL = "serial"
    EMULATOR = "emulator"
    PROCESS = "process"
    TCP = "tcp"
    MQTT = "mqtt"


def _without_ends(text: str | None) -> str | None:
    """A block of text ends with a line end or without, as its file does."""
    return None if text is None else text.strip()


@attrs.frozen(kw_only=True)
class FarmBoard:
    """A board of a rack; None where the file says nothing, or its kind has no such thing.

    ``device`` and ``emulator`` are ids of the catalog; ``usb_serial``, ``path``, ``address``
    (``HOST:PORT``) and ``url`` its identity; ``flash`` its programmer's name, or :data:`NO_FLASH`;
    ``quarantine`` why it is left out of runs.
    """

    id: str
    kind: BoardKind
    device: str | None = None
    usb_serial: str | None = None
    path: str | None = None
    address: str | None = None
    url: str | None = None
    emulator: str | None = None
    flash_model: str | None = None
    power: Power | None = None
    flash: str | None = None
    tags: tuple[str, ...] = ()
    quarantine: str | None = attrs.field(default=None, converter=_without_ends)


@attrs.frozen
class Rack:
    """Boards that one gateway offers; ``id`` is unique on a broker."""

    id: str
    boards: tuple[FarmBoard, ...]


@attrs.frozen
class Farm:
    """All racks of a file."""

    racks: tuple[Rack, ...]

    def rack(self, name: str) -> Rack:
        """Raises ConfigError where there is none of that name."""
        for rack in self.racks:
            if rack.id == name:
                return rack
        known = ", ".join(rack.id for rack in self.racks)
        raise ConfigError(f"there is no rack {name!r} in the farm file (there: {known})")

    def board(self, name: str) -> FarmBoard:
        """The board ``ID``, or ``RACK/ID`` where several racks have one of that id.

        Raises:
            ConfigError: there is none, or more than one.
        """
        found = [
            (f"{rack.id}/{board.id}", board)
            for rack in self.racks
            for board in rack.boards
            if name in (board.id, f"{rack.id}/{board.id}")
        ]
        if len(found) == 1:
            return found[0][1]
        if found:
            several = ", ".join(full for full, _ in found)
            raise ConfigError(f"board {name!r} of the farm file is in several racks: {several}")
        known = ", ".join(board.id for rack in self.racks for board in rack.boards)
        raise ConfigError(f"there is no board {name!r} in the farm file (there: {known})")


def load_farm(path: Path) -> Farm:
    """Reads and checks a farm file.

    Raises:
        ConfigError: names file, line, column and field of the first thing that is wrong.
    """
    file = LocatedYaml(path)
    check(file)
    return farm_of(file.value["racks"])


def farm_of(racks: Sequence[dict[str, Any]]) -> Farm:
    """The farm that a file's checked values describe."""
    return Farm(
        tuple(Rack(rack["id"], tuple(_board(board) for board in rack["boards"])) for rack in racks)
    )


def _board(given: dict[str, Any]) -> FarmBoard:
    values = {**given, **given.get("identity", {})}
    values.pop("identity", None)
    values["kind"] = BoardKind(given["kind"])
    values["power"] = _power(given.get("power"))
    values["tags"] = tuple(given.get("tags", ()))
    return FarmBoard(**values)


def _power(given: dict[str, Any] | None) -> Power | None:
    if given is None or given["kind"] == "none":
        return None
    return Power(**{**given, "kind": PowerKind(given["kind"])})
