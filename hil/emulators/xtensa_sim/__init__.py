"""The ESP32: on Espressif's QEMU where that is, else a core of its family on QEMU's ``sim``."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import ClassVar

from hil.emulators.programs import CHECKOUT
from hil.emulators.qemu import QemuEmulator
from hil.emulators.qemu.loading import loaded_image, loaded_text

_FIRMWARE = CHECKOUT / "build" / "firmware" / "esp32"
_PART_IMAGE = _FIRMWARE / "esp32-emulated.bin"
_PART_FLASH_BYTES = 4 << 20
"""The part's images are the whole of its flash; those of the machine ``sim`` are far smaller."""
_SIM_IMAGE = _FIRMWARE / "esp32-qemu.bin"

_IMAGE_ADDRESS = 0x50000000
_NAME_ADDRESS = 0x50500000
"""Where firmware/ports/esp32/machine.h looks for what emulates it."""

_HELP_DEADLINE_S = 10.0


class XtensaSimEmulator(QemuEmulator):
    """Starts boards that stand in for ESP32s. Found by the host under ``esp32``."""

    board: ClassVar[str] = "esp32"
    program: ClassVar[str] = "qemu-system-xtensa"
    package: ClassVar[str] = "qemu-system-misc"

    @property
    def default_firmware(self) -> Path:  # type: ignore[override]  # it depends on what is there
        """The part's own image, where it is built and this QEMU knows the part."""
        return _PART_IMAGE if _PART_IMAGE.is_file() and self._knows_the_part() else _SIM_IMAGE

    def arguments(self, image: Path, version: str) -> list[str]:
        if image.stat().st_size == _PART_FLASH_BYTES:
            drive = f"file={str(image).replace(',', ',,')},if=mtd,format=raw,snapshot=on"
            return ["-machine", "esp32", "-drive", drive]
        return [
            *("-M", "sim", "-cpu", "lx106", "-semihosting"),
            *("-icount", "shift=3"),
            *loaded_image(image, _IMAGE_ADDRESS),
            *loaded_text(f"qemu {version} sim lx106", _NAME_ADDRESS),
        ]

    def _knows_the_part(self) -> bool:
        """Whether the program has the machine ``esp32``, as Espressif's has and QEMU's has not."""
        program = shutil.which(self.program)
        if program is None:
            return False
        try:
            listing = subprocess.run(
                [program, "-machine", "help"],
                check=True,
                capture_output=True,
                text=True,
                timeout=_HELP_DEADLINE_S,
            ).stdout
        except (OSError, subprocess.SubprocessError):
            return False
        return any(line.split()[:1] == ["esp32"] for line in listing.splitlines())
