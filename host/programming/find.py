"""Finds the programmer that a device profile names."""

from __future__ import annotations

from collections.abc import Callable

import devices
from host.errors import ConfigError
from host.programming.avrdude import Avrdude
from host.programming.base import Programmer
from host.programming.esptool import Esptool
from host.programming.openocd import OpenOcd
from host.programming.uf2_drive import Uf2Drive

_PROGRAMMERS: dict[str, Callable[..., Programmer]] = {
    kind.name: kind for kind in (Avrdude, Esptool, OpenOcd, Uf2Drive)
}


def find_programmer(profile: devices.Profile) -> Programmer:
    """The programmer of a board.

    Raises:
        ConfigError: its profile names none.
    """
    entry = profile.programmer
    if entry is None:
        raise ConfigError(
            f"{profile.id} has no programmer: its profile names none",
            hint="docs/hardware.md says how each board gets its firmware",
        )
    return _PROGRAMMERS[entry.name](**entry.arguments)
