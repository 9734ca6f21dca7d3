"""The Raspberry Pi Pico: an RP2040 on rp2040js, run by ``main.mjs`` under Node."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from hil.emulators.process import EmulatorProcess
from hil.emulators.programs import CHECKOUT, find_image, node_command, pick, why_missing

_MAIN = Path(__file__).resolve().parent / "main.mjs"


class Rp2040Emulator:
    """Starts emulated Picos. Found by the host under the entry point ``pico``."""

    flash_models: ClassVar[tuple[str, ...]] = ("xip", "zero-wait")
    """``xip`` models the XIP cache and the SPI flash behind it; ``zero-wait`` charges nothing."""

    links: ClassVar[tuple[str, ...]] = ("uart", "usb", "usb-rp2040js")
    """UART0; USB to a host of ours that forgives nothing, or to the one that rp2040js has."""

    default_firmware: ClassVar[Path] = CHECKOUT / "build" / "firmware" / "pico" / "pico.bin"

    def missing(self) -> str | None:
        return why_missing(lambda: node_command("pico", _MAIN, "rp2040js"))

    def start(
        self,
        *,
        firmware: Path | None = None,
        flash_model: str | None = None,
        flash_file: Path | None = None,
        link: str | None = None,
        deadline_s: float = 20.0,
    ) -> EmulatorProcess:
        """Starts one and waits until its firmware listens.

        Args:
            firmware: flat image from 0x10000000; ``None``: the one ``make firmware`` builds.
            flash_model: one of ``flash_models``; ``None``: the first.
            flash_file: keeps the flash's contents between runs.
            link: one of ``links``; ``None``: the first.
            deadline_s: longest wait for it to be ready.

        Raises:
            ConfigError: unknown flash model or link, no image, no Node or no rp2040js.
            LinkError: the firmware stopped the board before it was ready.
            DeadlineExceeded: it did not become ready.
        """
        flash_model = pick("pico", "flash model", flash_model, self.flash_models)
        link = pick("pico", "link", link, self.links)
        command = node_command("pico", _MAIN, "rp2040js")
        command += ["--image", str(find_image("pico", firmware or self.default_firmware))]
        command += ["--flash-model", flash_model]
        if flash_file is not None:
            command += ["--flash-file", str(flash_file)]
        if link != "uart":
            command += ["--usb", "strict" if link == "usb" else "rp2040js"]
        return EmulatorProcess(
            f"rp2040js, flash model {flash_model}, over {link}",
            command,
            deadline_s,
            "uart" if link == "uart" else "usb",
        )
