"""Images of the Pico's port, built from the tree, on emulated boards."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from hil.emulators.process import EmulatorProcess
from hil.emulators.rp2040 import Rp2040Emulator
from tests.support.make import BUILD_DIR, ROOT, make

PORT = ROOT / "firmware" / "ports" / "rp2040"


@dataclass(frozen=True)
class Image:
    """What the port's Makefile makes."""

    folder: Path

    @property
    def elf(self) -> Path:
        return self.folder / "pico.elf"

    @property
    def bin(self) -> Path:
        return self.folder / "pico.bin"

    @property
    def map(self) -> Path:
        return self.folder / "pico.map"

    def symbols(self) -> dict[str, int]:
        """Addresses of all symbols, and values of those that the linker script sets."""
        listing = subprocess.run(
            ["arm-none-eabi-nm", str(self.elf)], check=True, capture_output=True, text=True
        ).stdout
        fields = (line.split() for line in listing.splitlines())
        return {name: int(value, 16) for value, _, name in fields}


def make_image(build: Path, *variables: str) -> subprocess.CompletedProcess[str]:
    """Runs the port's Makefile; safe in parallel test processes."""
    return make(PORT, *variables, build=build, check=False)


def built(build: Path, *variables: str) -> Image:
    result = make_image(build, *variables)
    assert result.returncode == 0, result.stdout + result.stderr
    return Image(build / "firmware" / "pico")


@pytest.fixture(scope="session")
def agent_image() -> Image:
    """The firmware as it ships."""
    return built(BUILD_DIR)


@pytest.fixture(scope="session")
def probe_image() -> Image:
    """The port with probe.c in the agent's place."""
    return built(BUILD_DIR / "pico-probe", f"MAIN={Path(__file__).parent / 'probe.c'}")


@pytest.fixture
def start() -> Iterator[Callable[..., EmulatorProcess]]:
    """Starts emulated Picos and ends them after the test."""
    running: list[EmulatorProcess] = []

    def start_one(
        image: Image, flash_model: str = "xip", link: str | None = None
    ) -> EmulatorProcess:
        emulator = Rp2040Emulator()
        running.append(emulator.start(firmware=image.bin, flash_model=flash_model, link=link))
        return running[-1]

    yield start_one
    for process in running:
        process.stop()
