"""What a port's Makefile makes, and what a Makefile refuses to make."""

from __future__ import annotations

import re
import subprocess
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path

from hil.emulators.process import EmulatorProcess
from tests.support.make import make


@dataclass(frozen=True)
class Image(ABC):
    """One build: ``folder/name.bin`` and the files beside it."""

    folder: Path
    name: str

    @property
    @abstractmethod
    def tools(self) -> str:
        """The prefix of the compiler's tools."""

    @abstractmethod
    def start(self) -> EmulatorProcess:
        """An emulated board that runs it."""

    def file(self, suffix: str) -> Path:
        return self.folder / f"{self.name}.{suffix}"

    def symbols(self) -> dict[str, int]:
        """Addresses of all symbols, and values of those that the linker script sets.

        What a link-time optimizer has added to a name is left out.
        """
        listing = subprocess.run(
            [f"{self.tools}nm", str(self.file("elf"))], check=True, capture_output=True, text=True
        ).stdout
        fields = (line.split() for line in listing.splitlines())
        return {
            field[-1].partition(".lto_priv")[0]: int(field[0], 16)
            for field in fields
            if len(field) == 3
        }

    def regions(self) -> dict[str, tuple[int, int]]:
        """Origin and length in bytes of the linker script's regions, by name."""
        text = self.file("map").read_text().split("Linker script and memory map")[0]
        return {
            name: (int(origin, 16), int(length, 16))
            for name, origin, length in re.findall(r"^(\w+) +0x(\w+) +0x(\w+) +\w+$", text, re.M)
        }


@dataclass(frozen=True)
class RamLayout:
    """Addresses of what lies in RAM, in this order."""

    static_start: int
    static_end: int
    pool_start: int
    pool_end: int
    stack_top: int


def ram_layout(image: Image, ram_start: int) -> RamLayout:
    """Static data first, then the pool, aligned and right behind it, then the stack."""
    symbols = image.symbols()
    edges = ("__static_start", "__static_end", "__pool_start", "__pool_end", "__stack_top")
    layout = RamLayout(*(symbols[edge] for edge in edges))
    assert layout.static_start == ram_start
    assert layout.static_end <= layout.pool_start < layout.static_end + 16
    assert layout.pool_start % 16 == 0
    assert layout.pool_end == symbols["__stack_bottom"]
    return layout


def assert_not_made(port: Path, build: Path, complaint: str, *variables: str) -> None:
    """The port's Makefile fails with these variables, and says why."""
    result = make(port, *variables, build=build, check=False)
    assert result.returncode != 0
    assert complaint in result.stderr


def assert_does_not_link(
    port: Path, folder: Path, declaration: str, complaint: str, *variables: str
) -> None:
    """A program of no more than ``declaration``, a variable ``ballast``, is over a limit."""
    main = folder / "fat.c"
    main.write_text(f"{declaration}\nint main(void) {{ return ballast[0]; }}\n")
    assert_not_made(port, folder / "build", complaint, f"MAIN={main}", *variables)
