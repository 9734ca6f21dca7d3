"""Images of the UNO Q's microcontroller, built from the tree."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

from hil.emulators.mps2_an505 import Mps2An505Emulator
from hil.emulators.process import EmulatorProcess
from tests.support.make import BUILD_DIR, ROOT, make

PORT = ROOT / "firmware" / "ports" / "uno_q"
PLUGIN = ROOT / "hil" / "emulators" / "mps2_an505" / "plugin"


@dataclass(frozen=True)
class Image:
    """What the port's Makefile makes for one chip."""

    folder: Path
    name: str

    def file(self, suffix: str) -> Path:
        return self.folder / f"{self.name}.{suffix}"

    def symbols(self) -> dict[str, int]:
        """Addresses of all symbols, and values of those that the linker script sets."""
        listing = subprocess.run(
            ["arm-none-eabi-nm", str(self.file("elf"))], check=True, capture_output=True, text=True
        ).stdout
        fields = (line.split() for line in listing.splitlines())
        return {field[-1]: int(field[0], 16) for field in fields if len(field) == 3}

    def start(self) -> EmulatorProcess:
        """A board that runs it; for images of the emulated machine."""
        make(PLUGIN)
        return Mps2An505Emulator().start(firmware=self.file("bin"))


def built(name: str, variant: str = "", *variables: str) -> Image:
    """``uno_q`` for the part or ``uno_q-an505`` for the emulated machine; variants lie apart."""
    build = BUILD_DIR / f"uno_q-{variant}" if variant else BUILD_DIR
    image = Image(build / "firmware" / "uno_q", name)
    make(PORT, str(image.file("bin")), *variables, build=build)
    return image
