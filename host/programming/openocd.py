"""Parts with a debug port, through OpenOCD."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import ClassVar

import attrs

from host.errors import ConfigError
from host.programming.base import Tool

_DEADLINE_S = 120.0


@attrs.frozen
class OpenOcd:
    """Implements :class:`host.programming.base.Programmer`.

    Args:
        configs: OpenOCD's scripts for adapter and part, in order.
        address: of the image in the part's memory, hexadecimal.
        where: on which machine OpenOCD runs, and what joins that to the part.
        folder: where an OpenOCD that is not on the path lies, with its scripts.
    """

    name: ClassVar[str] = "openocd"
    configs: tuple[str, ...] = attrs.field(converter=tuple)
    address: str
    where: str
    folder: str | None = None

    def missing(self) -> str | None:
        return None if self._find() else "openocd is not on the path"

    def holds(self, image: Path, port: str | None) -> bool:
        """Never known: the part is not read before it is written."""
        return False

    def program(self, image: Path, port: str | None) -> None:
        """``port`` is not used: the debug port is another way to the part."""
        tool = self._find()
        if tool is None:
            raise ConfigError("openocd is not on the path", hint=self.where)
        Tool([tool, *self.arguments(image)], _DEADLINE_S, self.where).run()

    def arguments(self, image: Path) -> list[str]:
        """What OpenOCD is called with."""
        scripts = [] if self.folder is None else ["-s", self.folder]
        for config in self.configs:
            scripts += ["-f", config]
        # Braces: OpenOCD reads the command as Tcl, where a space would end the path.
        return [*scripts, "-c", f"program {{{image}}} {self.address} verify reset exit"]

    def _find(self) -> str | None:
        own = None if self.folder is None else shutil.which(f"{self.folder}/bin/openocd")
        return shutil.which("openocd") or own
