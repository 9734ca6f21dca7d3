"""Images of the UNO Q's microcontroller, built from the tree."""

from __future__ import annotations

from dataclasses import dataclass

from hil.emulators.mps2_an505 import Mps2An505Emulator
from hil.emulators.process import EmulatorProcess
from tests.firmware.shared import images
from tests.support.make import BUILD_DIR, ROOT, make

PORT = ROOT / "firmware" / "ports" / "uno_q"
PLUGIN = ROOT / "hil" / "emulators" / "mps2_an505" / "plugin"


@dataclass(frozen=True)
class Image(images.Image):
    """What the port's Makefile makes for one chip."""

    tools = "arm-none-eabi-"

    def start(self) -> EmulatorProcess:
        """For images of the emulated machine."""
        make(PLUGIN)
        return Mps2An505Emulator().start(firmware=self.file("bin"))


def built(name: str, variant: str = "", *variables: str) -> Image:
    """``uno_q`` for the part or ``uno_q-an505`` for the emulated machine; variants lie apart."""
    build = BUILD_DIR / f"uno_q-{variant}" if variant else BUILD_DIR
    image = Image(build / "firmware" / "uno_q", name)
    make(PORT, str(image.file("bin")), *variables, build=build)
    return image
