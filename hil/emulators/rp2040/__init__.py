"""The Raspberry Pi Pico: an RP2040 on rp2040js, run by ``main.mjs`` under Node."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import ClassVar

from hil.emulators.process import EmulatorProcess
from host.errors import ConfigError

_HERE = Path(__file__).resolve().parent
_NODE_MODULES = _HERE.parent / "node_modules"
_CHECKOUT = _HERE.parents[2]


class Rp2040Emulator:
    """Starts emulated Picos. Found by the host under the entry point ``pico``."""

    flash_models: ClassVar[tuple[str, ...]] = ("xip", "zero-wait")
    """``xip`` models the XIP cache and the SPI flash behind it; ``zero-wait`` charges nothing."""

    links: ClassVar[tuple[str, ...]] = ("uart", "usb", "usb-rp2040js")
    """UART0; USB to a host of ours that forgives nothing, or to the one that rp2040js has."""

    default_firmware: ClassVar[Path] = _CHECKOUT / "build" / "firmware" / "pico" / "pico.bin"

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
        flash_model = flash_model or self.flash_models[0]
        if flash_model not in self.flash_models:
            known = " or ".join(self.flash_models)
            raise ConfigError(f"flash model {flash_model!r}: the emulated Pico has {known}")
        link = link or self.links[0]
        if link not in self.links:
            raise ConfigError(f"link {link!r}: the emulated Pico has {', '.join(self.links)}")
        firmware = firmware or self.default_firmware
        if not firmware.is_file():
            raise ConfigError(
                f"{firmware}: no such firmware image", hint="`make firmware` builds the Pico's"
            )
        node = shutil.which("node")
        if node is None:
            raise ConfigError(
                "the emulated Pico needs Node.js, and `node` is not on the path",
                hint="`make setup` installs it",
            )
        if not (_NODE_MODULES / "rp2040js").is_dir():
            raise ConfigError(
                f"{_NODE_MODULES}: rp2040js is not installed",
                hint=f"run `npm ci` in {_HERE.parent}, or `make setup`",
            )
        command = [node, str(_HERE / "main.mjs"), "--exit-with-parent"]
        command += ["--image", str(firmware), "--flash-model", flash_model]
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
