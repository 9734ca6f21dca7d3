"""The farm file: which racks there are, and what stands in them."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import Any

import attrs
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError, best_match

import devices
from hil.rack.located_yaml import LocatedYaml
from host.emulators import emulated_boards
from host.errors import ConfigError

_SCHEMA = json.loads(Path(__file__).with_name("farm.schema.json").read_text(encoding="utf-8"))


class BoardKind(StrEnum):
    """How the rack's machine reaches a board."""

    SERIAL = "serial"
    EMULATOR = "emulator"
    PROCESS = "process"
    TCP = "tcp"


@attrs.frozen(kw_only=True)
class FarmBoard:
    """A board of a rack. Of the last five, those that its kind has."""

    id: str
    kind: BoardKind
    device: str | None = None
    usb_serial: str | None = None
    path: str | None = None
    address: str | None = None
    emulator: str | None = None
    flash_model: str | None = None


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


def load_farm(path: Path) -> Farm:
    """Reads and checks a farm file.

    Raises:
        ConfigError: names file, line and field of the first thing that is wrong.
    """
    file = LocatedYaml(path)
    error = best_match(Draft202012Validator(_SCHEMA).iter_errors(file.value))
    if error is not None:
        raise _refusal(file, error)
    _check_names(file)
    return Farm(
        tuple(
            Rack(rack["id"], tuple(_board(board) for board in rack["boards"]))
            for rack in file.value["racks"]
        )
    )


def _board(given: dict[str, Any]) -> FarmBoard:
    plain = {name: value for name, value in given.items() if name != "identity"}
    return FarmBoard(
        **{**plain, **given.get("identity", {}), "kind": BoardKind(given["kind"])},
    )


def _refusal(file: LocatedYaml, error: ValidationError) -> ConfigError:
    where: list[str | int] = list(error.absolute_path)
    schema: Any = error.schema
    if error.validator == "additionalProperties" and isinstance(error.instance, dict):
        known = schema["properties"]
        where.append(next(key for key in error.instance if key not in known))
        return file.error(where, f"unknown field (known: {', '.join(known)})")
    if error.validator == "not":
        return file.error(where, "is not for a board of this kind")
    if error.validator == "pattern":
        what = schema.get("description", f"must match {error.validator_value}")
        return file.error(where, f"{error.instance!r}: {what}")
    return file.error(where, error.message)


def _check_names(file: LocatedYaml) -> None:
    """What a schema cannot say: names are unique, and those of the catalog known."""
    catalog = {profile.id for profile in devices.load_all()}
    racks: set[str] = set()
    for i, rack in enumerate(file.value["racks"]):
        if rack["id"] in racks:
            raise file.error(("racks", i, "id"), f"there are two racks {rack['id']!r}")
        racks.add(rack["id"])
        boards: set[str] = set()
        identities: set[tuple[str, str]] = set()
        for j, board in enumerate(rack["boards"]):
            where = ("racks", i, "boards", j)
            if board["id"] in boards:
                raise file.error((*where, "id"), f"there are two boards {board['id']!r}")
            boards.add(board["id"])
            for identity in board.get("identity", {}).items():
                if identity in identities:
                    raise file.error((*where, "identity"), f"{identity[1]!r} is there twice")
                identities.add(identity)
            if "device" in board and board["device"] not in catalog:
                known = ", ".join(sorted(catalog))
                raise file.error(
                    (*where, "device"), f"unknown board {board['device']!r} (known: {known})"
                )
            if "emulator" in board and board["emulator"] not in emulated_boards():
                known = ", ".join(emulated_boards())
                raise file.error(
                    (*where, "emulator"),
                    f"no emulator for {board['emulator']!r} (installed: {known})",
                )
