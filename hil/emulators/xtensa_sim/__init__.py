"""An instruction set of the ESP32's family, the LX106's, on QEMU's machine ``sim``."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from hil.emulators.programs import CHECKOUT
from hil.emulators.qemu import QemuEmulator
from hil.emulators.qemu.loading import loaded_image, loaded_text

_IMAGE_ADDRESS = 0x50000000
_NAME_ADDRESS = 0x50500000
"""Where firmware/ports/esp32/machine.h looks for what emulates it."""


class XtensaSimEmulator(QemuEmulator):
    """Starts boards that stand in for ESP32s. Found by the host under ``esp32``."""

    board: ClassVar[str] = "esp32"
    program: ClassVar[str] = "qemu-system-xtensa"
    package: ClassVar[str] = "qemu-system-misc"
    default_firmware: ClassVar[Path] = CHECKOUT / "build" / "firmware" / "esp32" / "esp32-qemu.bin"

    def arguments(self, image: Path, version: str) -> list[str]:
        return [
            *("-M", "sim", "-cpu", "lx106", "-semihosting"),
            *("-icount", "shift=3"),
            *loaded_image(image, _IMAGE_ADDRESS),
            *loaded_text(f"qemu {version} sim lx106", _NAME_ADDRESS),
        ]
