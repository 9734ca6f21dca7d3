"""What the UNO's Makefile makes, alone and with a plan behind it."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

from host.programming.image import write_with_plan
from tests.support.make import ROOT, make

PORT = ROOT / "firmware" / "ports" / "uno"
FLASH_BYTES = 32 * 1024 - 512
"""ATmega328P (data sheet DS40002061, section 8.2) less Optiboot."""


@dataclass(frozen=True)
class Image:
    """One build."""

    folder: Path

    @property
    def elf(self) -> Path:
        return self.folder / "uno.elf"

    @property
    def bin(self) -> Path:
        return self.folder / "uno.bin"

    @property
    def hex(self) -> Path:
        return self.folder / "uno.hex"

    @property
    def map(self) -> Path:
        return self.folder / "uno.map"

    @property
    def store_bytes(self) -> int:
        """What is left of the flash for a plan."""
        return FLASH_BYTES - self.bin.stat().st_size

    def with_plan(self, plan: bytes, folder: Path) -> Path:
        """A file in ``folder`` with ``plan`` (or what else it may be) in the plan store."""
        target = folder / f"uno-{len(list(folder.iterdir()))}.bin"
        write_with_plan(self.bin, plan, target, limit_bytes=FLASH_BYTES)
        return target

    def symbols(self) -> dict[str, int]:
        """Addresses of all symbols, and values of those that the linker script sets."""
        listing = subprocess.run(
            ["avr-nm", str(self.elf)], check=True, capture_output=True, text=True
        ).stdout
        fields = (line.split() for line in listing.splitlines())
        return {field[-1]: int(field[0], 16) for field in fields if len(field) == 3}


def make_image(build: Path, *variables: str) -> subprocess.CompletedProcess[str]:
    """Runs the port's Makefile; safe in parallel test processes."""
    return make(PORT, *variables, build=build, check=False)


def built(build: Path, *variables: str) -> Image:
    result = make_image(build, *variables)
    assert result.returncode == 0, result.stdout + result.stderr
    return Image(build / "firmware" / "uno")
