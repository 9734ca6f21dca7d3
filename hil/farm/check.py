"""What a farm file may say, and how it is told what is wrong with it."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError, best_match, relevance

import devices
from hil.farm.located_yaml import LocatedYaml
from hil.farm.power import DEFAULT_DEADLINE_S, DEFAULT_OFF_S
from host.emulators import emulated_boards, find_emulator
from host.errors import ConfigError
from host.links.mqtt_address import parse_board

_VALIDATOR = Draft202012Validator(
    json.loads(Path(__file__).with_name("farm.schema.json").read_text(encoding="utf-8"))
)
_IN_QUOTES = "write it in quotes: without them YAML takes it for a number or a truth value"

Where = tuple[str | int, ...]


def check(file: LocatedYaml) -> None:
    """Checks what was read.

    Raises:
        ConfigError: the first thing that is wrong, with its place.
    """
    error = best_match(_VALIDATOR.iter_errors(file.value), _telling)
    if error is not None:
        raise _refusal(file, error)
    _check_racks(file)
    identities: dict[tuple[str, str], Where] = {}
    catalog = {profile.id: profile for profile in devices.load_all()}
    for where, board in _boards(file):
        _check_identity(file, where, board, identities)
        _check_device(file, where, board, catalog)
        _check_emulator(file, where, board)
        _check_power(file, where, board)


def _telling(error: ValidationError) -> tuple[bool, Any]:
    """Orders errors: a field's misspelt name also makes it missing, and tells more."""
    return error.validator == "additionalProperties", relevance(error)


def _refusal(file: LocatedYaml, error: ValidationError) -> ConfigError:
    where: list[str | int] = list(error.absolute_path)
    schema: Any = error.schema
    if error.validator == "additionalProperties" and isinstance(error.instance, dict):
        known = schema["properties"]
        unknown = next(key for key in error.instance if key not in known)
        return file.error([*where, unknown], f"unknown field {_nearest(str(unknown), known)}")
    if error.validator == "not":
        return file.error(where, "is not for a board of this kind")
    if error.validator == "maxProperties" and "power" in where:
        return file.error(where, "has more fields than its kind")
    if error.validator == "enum":
        wrong, known = str(error.instance), schema["enum"]
        return file.error(where, f"{wrong!r} is none {_nearest(wrong, known)}")
    if error.validator == "pattern":
        what = schema.get("description", f"must match {error.validator_value}")
        return file.error(where, f"{error.instance!r}: {what}")
    hint = ""
    if error.validator == "type" and error.validator_value == "string":
        hint = _IN_QUOTES if isinstance(error.instance, int | float) else ""
    return file.error(where, error.message, hint=hint)


def _nearest(wrong: str, known: Iterable[str]) -> str:
    """``(did you mean 'x'? known: ...)``."""
    names = list(known)
    close = difflib.get_close_matches(wrong, names, n=1)
    meant = f"did you mean {close[0]!r}? " if close else ""
    return f"({meant}known: {', '.join(names) or 'none'})"


def _boards(file: LocatedYaml) -> Iterator[tuple[Where, dict[str, Any]]]:
    for i, rack in enumerate(file.value["racks"]):
        for j, board in enumerate(rack["boards"]):
            yield ("racks", i, "boards", j), board


def _check_racks(file: LocatedYaml) -> None:
    """Names are unique: those of racks in the file, those of boards in their rack."""
    racks: set[str] = set()
    for i, rack in enumerate(file.value["racks"]):
        if rack["id"] in racks:
            raise file.error(("racks", i, "id"), f"there are two racks {rack['id']!r}")
        racks.add(rack["id"])
        boards: set[str] = set()
        for j, board in enumerate(rack["boards"]):
            if board["id"] in boards:
                where = ("racks", i, "boards", j, "id")
                raise file.error(where, f"there are two boards {board['id']!r}")
            boards.add(board["id"])


def _check_identity(
    file: LocatedYaml, where: Where, board: dict[str, Any], taken: dict[tuple[str, str], Where]
) -> None:
    """A board stands once in a file: two lines for it would both want it."""
    for identity in board.get("identity", {}).items():
        if identity in taken:
            line = file.position(taken[identity]).line
            message = f"{identity[1]!r} is there twice (before in line {line})"
            raise file.error((*where, "identity"), message)
        taken[identity] = where
    url = board.get("identity", {}).get("url")
    if url is not None:
        try:
            parse_board("url", url)
        except ConfigError as error:
            raise file.error((*where, "identity", "url"), str(error), hint=error.hint) from error


def _check_device(
    file: LocatedYaml, where: Where, board: dict[str, Any], catalog: dict[str, devices.Profile]
) -> None:
    device = board.get("device")
    if device is not None and device not in catalog:
        message = f"unknown board {device!r} {_nearest(device, sorted(catalog))}"
        raise file.error((*where, "device"), message)
    method = board.get("flash")
    if method is None or method == "none":
        return
    if device is None:
        raise file.error((*where, "flash"), "needs `device`, whose profile knows the programmer")
    programmer = catalog[device].programmer
    if programmer is None or programmer.name != method:
        known = "none" if programmer is None else f"{programmer.name}, none"
        message = f"{method!r} is not how the firmware of {device} is written (known: {known})"
        raise file.error((*where, "flash"), message)


def _check_emulator(file: LocatedYaml, where: Where, board: dict[str, Any]) -> None:
    emulated = board.get("emulator")
    if emulated is None:
        return
    if emulated not in emulated_boards():
        known = ", ".join(emulated_boards())
        message = f"no emulator for {emulated!r} (installed: {known})"
        raise file.error((*where, "emulator"), message)
    if board.get("device") not in (None, emulated):
        message = f"{board['device']!r} is not the board that is emulated, {emulated!r}"
        raise file.error((*where, "device"), message)
    model = board.get("flash_model")
    if model is not None and model not in (models := find_emulator(emulated).flash_models):
        message = f"the emulator of {emulated} has no {model!r} {_nearest(model, models)}"
        raise file.error((*where, "flash_model"), message)


def _check_power(file: LocatedYaml, where: Where, board: dict[str, Any]) -> None:
    power = board.get("power", {})
    off_s = power.get("off_s", DEFAULT_OFF_S)
    deadline_s = power.get("deadline_s", DEFAULT_DEADLINE_S)
    if deadline_s <= off_s:
        field = "off_s" if "deadline_s" not in power else "deadline_s"
        message = f"{deadline_s:g} s in all leave no time beside {off_s:g} s without power (off_s)"
        raise file.error((*where, "power", field), message)
