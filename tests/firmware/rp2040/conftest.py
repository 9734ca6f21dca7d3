"""Images of the Pico's port, built from the tree, on emulated boards."""

from __future__ import annotations

import fcntl
import os
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from hil.emulators.process import EmulatorProcess
from hil.emulators.rp2040 import Rp2040Emulator

ROOT = Path(__file__).resolve().parents[3]
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
    build.mkdir(parents=True, exist_ok=True)
    with (build / "pico.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return subprocess.run(
            ["make", "-C", str(PORT), f"BUILD={build}", *variables],
            check=False,
            capture_output=True,
            text=True,
            # A test run that is itself under make would hand its job server down.
            env={k: v for k, v in os.environ.items() if not k.startswith("MAKE")},
        )


def built(build: Path, *variables: str) -> Image:
    result = make_image(build, *variables)
    assert result.returncode == 0, result.stdout + result.stderr
    return Image(build / "firmware" / "pico")


@pytest.fixture(scope="session")
def agent_image() -> Image:
    """The firmware as it ships."""
    return built(ROOT / "build")


@pytest.fixture(scope="session")
def probe_image() -> Image:
    """The port with probe.c in the agent's place."""
    return built(ROOT / "build" / "pico-probe", f"MAIN={Path(__file__).parent / 'probe.c'}")


@pytest.fixture
def start() -> Iterator[Callable[..., EmulatorProcess]]:
    """Starts emulated Picos and ends them after the test."""
    running: list[EmulatorProcess] = []

    def start_one(image: Image, flash_model: str = "xip") -> EmulatorProcess:
        running.append(Rp2040Emulator().start(firmware=image.bin, flash_model=flash_model))
        return running[-1]

    yield start_one
    for process in running:
        process.stop()
