"""AVRs behind a boot loader that speaks STK500, such as an Arduino UNO's Optiboot."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import ClassVar

import attrs

from host.errors import ConfigError
from host.programming.base import Tool

_DEADLINE_S = 120.0
"""32 KB written and read back at 115,200 baud take about 10 s."""

_FORMATS = {".hex": "i", ".bin": "r"}
"""avrdude's letters for the formats of images."""

_DIFFERS = "mismatch"
"""What avrdude 6 to 8 say of a comparison that failed."""


@attrs.frozen
class Avrdude:
    """Implements :class:`host.programming.base.Programmer`.

    ``part``, ``protocol``: avrdude's own names; ``baud``: the boot loader's.
    """

    name: ClassVar[str] = "avrdude"
    part: str
    protocol: str
    baud: int

    def missing(self) -> str | None:
        return None if shutil.which("avrdude") else "avrdude is not on the path"

    def holds(self, image: Path, port: str | None) -> bool:
        return self._tool("v", image, port).agrees(_DIFFERS)

    def program(self, image: Path, port: str | None) -> None:
        self._tool("w", image, port).run()

    def _tool(self, operation: str, image: Path, port: str | None) -> Tool:
        reason = self.missing()
        if reason is not None:
            raise ConfigError(reason, hint="install it, such as `apt-get install avrdude`")
        if port is None:
            raise ConfigError(
                "avrdude needs to know where the board is",
                hint="give --port; `host boards` lists what is connected",
            )
        if image.suffix not in _FORMATS:
            raise ConfigError(
                f"{image}: avrdude is given .hex (Intel HEX) or .bin (flat) here",
                hint="`make firmware` leaves a .hex",
            )
        return Tool(
            self.command(operation, image, port),
            _DEADLINE_S,
            "check --port, the cable, and that nothing else has the port open; "
            "press the board's reset button as avrdude starts if it has no automatic reset",
        )

    def command(self, operation: str, image: Path, port: str) -> list[str]:
        """How avrdude is called: to write (``w``), which ends with a comparison, or to compare
        (``v``). A port ``tcp://HOST:PORT`` is a serial port on a network."""
        where = port.replace("tcp://", "net:", 1)
        # -D: the boot loader erases the pages that are written, and no others.
        return [
            *("avrdude", "-q", "-p", self.part, "-c", self.protocol, "-P", where),
            *("-b", str(self.baud), "-D"),
            *("-U", f"flash:{operation}:{image}:{_FORMATS[image.suffix]}"),
        ]
