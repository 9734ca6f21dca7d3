"""The Arduino UNO Q's microcontroller: a Cortex-M33 on QEMU's machine mps2-an505.

The machine has the core and as much memory, but not the STM32U585's peripherals; so the port has a
target of its own for it (``firmware/ports/uno_q/an505``). It has no cycle counter either: a plug-in
of ours counts instructions, estimates cycles, and is asked by the firmware. README.md says how.
"""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from hil.emulators.programs import CHECKOUT
from hil.emulators.qemu import QemuEmulator
from hil.emulators.qemu.loading import loaded_image, loaded_text
from host.errors import ConfigError

PLUGIN = CHECKOUT / "build" / "hil" / "mps2_an505" / "counter.so"
_IMAGE_ADDRESS = 0x10000000
_NAME_ADDRESS = 0x10300000
_UID_ADDRESS = 0x10300080
_UID = "an505-01"
_INSTRUCTION_SHIFT = 3
"""2**3 ns an instruction: 1.28 cycles at 160 MHz, as much as the models measured here take."""


class Mps2An505Emulator(QemuEmulator):
    """Starts emulated UNO Qs, their microcontroller. Found under the entry point ``uno_q``."""

    board: ClassVar[str] = "uno_q"
    program: ClassVar[str] = "qemu-system-arm"
    package: ClassVar[str] = "qemu-system-arm"
    buffered_uart: ClassVar[bool] = True
    pipes: ClassVar[tuple[str, ...]] = ("counter",)
    default_firmware: ClassVar[Path] = CHECKOUT / "build" / "firmware" / "uno_q" / "uno_q-an505.bin"

    def find_program(self) -> str:
        """As the base class; the plug-in too has to be there."""
        program = super().find_program()
        if not PLUGIN.is_file():
            raise ConfigError(
                f"{PLUGIN}: no such plug-in, which counts cycles for the emulated uno_q",
                hint="`make firmware` builds it",
            )
        return program

    def arguments(self, image: Path, version: str) -> list[str]:
        return [
            *("-M", "mps2-an505", "-icount", f"shift={_INSTRUCTION_SHIFT}"),
            *("-serial", "chardev:counter", "-plugin", f"{PLUGIN},pipe={{counter}}"),
            *loaded_image(image, _IMAGE_ADDRESS),
            *loaded_text(f"qemu-system-arm {version} mps2-an505", _NAME_ADDRESS),
            *loaded_text(_UID, _UID_ADDRESS),
        ]
