"""What the Pico's Makefile makes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from hil.emulators.process import EmulatorProcess
from hil.emulators.rp2040 import Rp2040Emulator
from tests.firmware.shared import images
from tests.support.make import ROOT, make

PORT = ROOT / "firmware" / "ports" / "rp2040"


@dataclass(frozen=True)
class Image(images.Image):
    """One build."""

    tools = "arm-none-eabi-"

    def start(self, flash_model: str = "xip", link: str | None = None) -> EmulatorProcess:
        return Rp2040Emulator().start(firmware=self.file("bin"), flash_model=flash_model, link=link)


def built(build: Path, *variables: str) -> Image:
    """An image below ``build``, made first if it is out of date."""
    make(PORT, *variables, build=build)
    return Image(build / "firmware" / "pico", "pico")
