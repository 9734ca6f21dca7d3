"""The Arduino UNO: an ATmega328P on avr8js, run by ``main.mjs`` under Node."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import devices
from hil.emulators.process import EmulatorProcess
from hil.emulators.programs import CHECKOUT, find_image, node_command, pick, why_missing
from host.errors import ConfigError

_MAIN = Path(__file__).resolve().parent / "main.mjs"


class Atmega328pEmulator:
    """Starts emulated UNOs. Found by the host under the entry point ``uno``."""

    flash_models: ClassVar[tuple[str, ...]] = ()
    """The part's flash has no wait states and no cache: there is nothing to choose."""

    links: ClassVar[tuple[str, ...]] = ("uart",)
    """USART0, which on the board leads to the USB converter."""

    default_firmware: ClassVar[Path] = CHECKOUT / "build" / "firmware" / "uno" / "uno.hex"

    def missing(self) -> str | None:
        return why_missing(lambda: node_command("uno", _MAIN, "avr8js"))

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
            firmware: Intel HEX, or flat from address 0, the agent alone or with a plan behind it;
                ``None``: the one ``make firmware`` builds.
            flash_model: ``None``; the board has no choice of them.
            flash_file: ``None``; the part cannot write its flash.
            link: one of ``links``; ``None``: the first.
            deadline_s: longest wait for it to be ready.

        Raises:
            ConfigError: a flash model, a flash file, an unknown link, no image, no Node or no
                avr8js.
            LinkError: it is no image or too large, or the firmware stopped the board before it was
                ready.
            DeadlineExceeded: it did not become ready.
        """
        pick("uno", "flash model", flash_model, self.flash_models)
        pick("uno", "link", link, self.links)
        if flash_file is not None:
            raise ConfigError(
                f"flash file {flash_file}: the emulated uno cannot write its flash",
                hint="give it an image with the plan in it",
            )
        command = node_command("uno", _MAIN, "avr8js")
        command += ["--image", str(find_image("uno", firmware or self.default_firmware))]
        command += ["--baud", str(_line_baud())]
        return EmulatorProcess("avr8js", command, deadline_s)


def _line_baud() -> int:
    """The rate at which the host opens the board's serial port."""
    rates = [transport.baud for transport in devices.load("uno").transports]
    return next(int(rate.value) for rate in rates if rate is not None)
