"""The two machines of QEMU that stand in for chips of Espressif's, and images of their firmware."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

from hil.emulators.process import EmulatorProcess
from hil.emulators.qemu import QemuEmulator
from hil.emulators.riscv_virt import RiscvVirtEmulator
from hil.emulators.xtensa_sim import XtensaSimEmulator
from tests.support.make import BUILD_DIR, ROOT, make


@dataclass(frozen=True)
class Machine:
    """What its linker script and its header promise."""

    board: str
    core: str
    clock_hz: int
    emulator: type[QemuEmulator]
    tools: str
    flash_start: int
    ram_start: int
    ram_bytes: int
    pool_bytes: int

    @property
    def port(self) -> Path:
        return ROOT / "firmware" / "ports" / self.board


MACHINES = (
    Machine(
        board="esp32c3",
        core="rv32imc",
        clock_hz=160_000_000,
        emulator=RiscvVirtEmulator,
        tools="riscv64-unknown-elf-",
        flash_start=0x80000000,
        ram_start=0x80400000,
        ram_bytes=(400 - 16) * 1024,
        pool_bytes=200 * 1024,
    ),
    Machine(
        board="esp32",
        core="xtensa-lx106",
        clock_hz=240_000_000,
        emulator=XtensaSimEmulator,
        tools="xtensa-lx106-elf-",
        flash_start=0x50000000,
        ram_start=0x3FFB0000,
        ram_bytes=320 * 1024,
        pool_bytes=144 * 1024,
    ),
)


@dataclass(frozen=True)
class Image:
    """What a machine's Makefile makes."""

    machine: Machine
    folder: Path

    def file(self, suffix: str) -> Path:
        return self.folder / f"{self.machine.board}-qemu.{suffix}"

    def start(self) -> EmulatorProcess:
        return self.machine.emulator().start(firmware=self.file("bin"))

    def symbols(self) -> dict[str, int]:
        """Addresses of all symbols, and values of those that the linker script sets."""
        listing = subprocess.run(
            [f"{self.machine.tools}nm", str(self.file("elf"))],
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        fields = (line.split() for line in listing.splitlines())
        return {field[-1]: int(field[0], 16) for field in fields if len(field) == 3}


def make_image(machine: Machine, build: Path, *variables: str) -> subprocess.CompletedProcess[str]:
    """Runs the machine's Makefile, for the machine alone; safe in parallel test processes."""
    return make(machine.port, "IDF_PATH=", *variables, build=build, check=False)


def built(machine: Machine, variant: str = "", *variables: str) -> Image:
    """An image, built first if it is out of date; each variant in a folder of its own."""
    build = BUILD_DIR / f"{machine.board}-{variant}" if variant else BUILD_DIR
    result = make_image(machine, build, *variables)
    assert result.returncode == 0, result.stdout + result.stderr
    return Image(machine, build / "firmware" / machine.board)
