"""The ESP32-C3's instruction set, RV32IMC, on QEMU's machine ``virt``."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from hil.emulators.programs import CHECKOUT
from hil.emulators.qemu import QemuEmulator
from hil.emulators.qemu.loading import loaded_image, loaded_text

_IMAGE_ADDRESS = 0x80000000
_NAME_ADDRESS = 0x80500000
"""Where firmware/ports/esp32c3/machine.h looks for what emulates it."""


class RiscvVirtEmulator(QemuEmulator):
    """Starts boards that stand in for ESP32-C3s. Found by the host under ``esp32c3``."""

    board: ClassVar[str] = "esp32c3"
    program: ClassVar[str] = "qemu-system-riscv32"
    package: ClassVar[str] = "qemu-system-misc"
    buffered_uart: ClassVar[bool] = True
    default_firmware: ClassVar[Path] = (
        CHECKOUT / "build" / "firmware" / "esp32c3" / "esp32c3-qemu.bin"
    )

    def arguments(self, image: Path, version: str) -> list[str]:
        return [
            *("-M", "virt", "-bios", "none", "-m", "16M"),
            *("-icount", "shift=3"),  # 8 ns an instruction, as the port has it
            *loaded_image(image, _IMAGE_ADDRESS),
            *loaded_text(f"qemu {version} virt", _NAME_ADDRESS),
        ]
