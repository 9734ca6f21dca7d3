"""What the UNO's Makefile makes, alone and with a plan behind it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from hil.emulators.atmega328p import Atmega328pEmulator
from hil.emulators.process import EmulatorProcess
from host.programming.image import write_with_plan
from protocol.plan import PlanOp
from tests.firmware.shared import images
from tests.support.make import ROOT, make

PORT = ROOT / "firmware" / "ports" / "uno"
FLASH_BYTES = 32 * 1024 - 512
"""ATmega328P (data sheet DS40002061, section 8.2) less Optiboot."""

ARENA_BYTES = 1456
STACK_BYTES = 208
LEFT_OUT = {
    "MUL",
    "PAD",
    "MEAN",
    "CONCATENATION",
    "TRANSPOSE",
    "CONSTANT",
    "CONV_2D_INT4",
    "FULLY_CONNECTED_INT4",
}
"""Ops without a kernel, which had no room."""

OP_SET = frozenset(op for op in PlanOp if op.name not in LEFT_OUT)


@dataclass(frozen=True)
class Image(images.Image):
    """One build, or what has been made of it for a plan."""

    tools = "avr-"

    @property
    def store_bytes(self) -> int:
        """What is left of the flash for a plan."""
        return FLASH_BYTES - self.file("bin").stat().st_size

    def with_plan(self, plan: bytes, folder: Path) -> Image:
        """A binary in ``folder`` with ``plan`` (or what else it may be) in the plan store."""
        image = Image(folder, f"uno-{len(list(folder.iterdir()))}")
        write_with_plan(self.file("bin"), plan, image.file("bin"), limit_bytes=FLASH_BYTES)
        return image

    def start(self) -> EmulatorProcess:
        return Atmega328pEmulator().start(firmware=self.file("bin"))


def built(build: Path, *variables: str) -> Image:
    """An image below ``build``, made first if it is out of date."""
    make(PORT, *variables, build=build)
    return Image(build / "firmware" / "uno", "uno")
