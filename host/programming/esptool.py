"""Espressif's chips, through the boot loader in their ROM."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import ClassVar

import attrs

from host.errors import ConfigError
from host.programming.base import Tool

_NAMES = ("esptool", "esptool.py")
_DEADLINE_S = 180.0


@attrs.frozen
class Esptool:
    """Implements :class:`host.programming.base.Programmer`.

    ``chip``: esptool's own name; ``offset``: of the image in flash, hexadecimal.
    """

    name: ClassVar[str] = "esptool"
    chip: str
    baud: int
    offset: str

    def missing(self) -> str | None:
        return None if _find() else "esptool is not on the path"

    def holds(self, image: Path, port: str | None) -> bool:
        """Never known: its boot loader is asked nothing before it is written."""
        return False

    def program(self, image: Path, port: str | None) -> None:
        tool = _find()
        if tool is None:
            raise ConfigError(
                "esptool is not on the path",
                hint="install it, such as `pip install esptool`; ESP-IDF brings it along",
            )
        Tool(
            [tool, *self.arguments(image, port)],
            _DEADLINE_S,
            "check --port and the cable; hold the board's BOOT button while it starts "
            "if it has no automatic reset",
        ).run()

    def arguments(self, image: Path, port: str | None) -> list[str]:
        """What esptool is called with; without a port it looks for the chip itself."""
        where = [] if port is None else ["--port", port.replace("tcp://", "socket://", 1)]
        return [
            *("--chip", self.chip, *where, "--baud", str(self.baud)),
            *("write_flash", self.offset, str(image)),
        ]


def _find() -> str | None:
    return next((path for name in _NAMES if (path := shutil.which(name))), None)
