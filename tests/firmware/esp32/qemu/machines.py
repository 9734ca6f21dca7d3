"""The two machines of QEMU that stand in for chips of Espressif's, and images of their firmware."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from hil.emulators.process import EmulatorProcess
from hil.emulators.qemu import QemuEmulator
from hil.emulators.riscv_virt import RiscvVirtEmulator
from hil.emulators.xtensa_sim import XtensaSimEmulator
from tests.firmware.shared import images
from tests.support.make import BUILD_DIR, ROOT, make

NO_IDF = "IDF_PATH="
"""For the Makefile: the machine's image alone, not the part's."""


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
class Image(images.Image):
    """What a machine's Makefile makes."""

    machine: Machine

    @property
    def tools(self) -> str:
        return self.machine.tools

    def start(self) -> EmulatorProcess:
        return self.machine.emulator().start(firmware=self.file("bin"))


def built(machine: Machine, variant: str = "", *variables: str) -> Image:
    """An image, built first if it is out of date; each variant in a folder of its own."""
    build = BUILD_DIR / f"{machine.board}-{variant}" if variant else BUILD_DIR
    make(machine.port, NO_IDF, *variables, build=build)
    return Image(build / "firmware" / machine.board, f"{machine.board}-qemu", machine)
