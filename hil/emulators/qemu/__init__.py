"""What the boards on QEMU share: the class their entry points derive from.

A board runs in two processes: ``python -m hil.emulators.qemu`` offers its TCP ports and starts,
restarts and watches a ``qemu-system-*``. README.md says how to add a machine.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from hil.emulators.process import EmulatorProcess
from hil.emulators.programs import find_image, pick, why_missing
from host.errors import ConfigError

_VERSION_DEADLINE_S = 10.0


class QemuEmulator(ABC):
    """Starts boards of one QEMU machine; a machine is a subclass."""

    flash_models: ClassVar[tuple[str, ...]] = ()
    """QEMU has no model of memory's time: there is nothing to choose."""

    links: ClassVar[tuple[str, ...]] = ("uart",)
    """The machine's first serial port."""

    board: ClassVar[str]
    """Its id, as the entry point has it."""

    program: ClassVar[str]
    """Such as ``qemu-system-arm``."""

    package: ClassVar[str]
    """Debian's package with ``program``."""

    default_firmware: ClassVar[Path]

    pipes: ClassVar[tuple[str, ...]] = ()
    """Pipes that QEMU gets, each as a character device of that name."""

    buffered_uart: ClassVar[bool] = False
    """Some bytes wait before the UART: set where it has room for one, which is slow."""

    @abstractmethod
    def arguments(self, image: Path, version: str) -> Sequence[str]:
        """QEMU's own arguments, from ``-M`` on, for a board that runs ``image``.

        What is the same for all is added: no display, no default devices, the monitor, the first
        ``-serial``. In an argument ``{name}`` stands for the path of the pipe of that name.

        Args:
            image: the firmware.
            version: of QEMU, such as ``7.2.22``.

        Raises:
            ConfigError: something that the machine needs is not there.
        """

    def missing(self) -> str | None:
        return why_missing(self.find_program)

    def find_program(self) -> str:
        """The path of ``program``.

        Raises:
            ConfigError: it is not installed.
        """
        path = shutil.which(self.program)
        if path is None:
            raise ConfigError(
                f"the emulated {self.board} needs {self.program}, which is not on the path",
                hint=f"`make setup` installs it; on Debian and Ubuntu it is in {self.package}",
            )
        return path

    def start(
        self,
        *,
        firmware: Path | None = None,
        flash_model: str | None = None,
        flash_file: Path | None = None,
        link: str | None = None,
        deadline_s: float = 20.0,
    ) -> EmulatorProcess:
        """Starts one board and waits until its core runs; its UART loses nothing before it listens.

        Args:
            firmware: ``None``: the one that ``make firmware`` builds.
            flash_model: ``None``; there is no choice of them.
            flash_file: ``None``; these boards do not write their flash.
            link: one of ``links``; ``None``: the first.
            deadline_s: longest wait for it to be ready.

        Raises:
            ConfigError: a flash model, a flash file, an unknown link, no image, no QEMU, or what
                ``arguments`` misses.
            LinkError: QEMU ended at once; with its last words.
            DeadlineExceeded: it did not become ready.
        """
        pick(self.board, "flash model", flash_model, self.flash_models)
        link = pick(self.board, "link", link, self.links)
        if flash_file is not None:
            raise ConfigError(
                f"flash file {flash_file}: the emulated {self.board} does not write its flash",
                hint="leave --flash-file out",
            )
        program = self.find_program()
        image = find_image(self.board, firmware or self.default_firmware)
        version = program_version(program)
        command = [sys.executable, "-m", "hil.emulators.qemu", "--exit-with-parent"]
        if self.buffered_uart:
            command.append("--buffered-uart")
        for name in self.pipes:
            command += ["--pipe", name]
        command += ["--", program, *self.arguments(image, version)]
        return EmulatorProcess(f"QEMU {version}, {self.board}", command, deadline_s, link)


def program_version(program: str) -> str:
    """QEMU's version, such as ``7.2.22``.

    Raises:
        ConfigError: the program does not say it.
    """
    try:
        done = subprocess.run(
            [program, "--version"],
            check=True,
            capture_output=True,
            text=True,
            timeout=_VERSION_DEADLINE_S,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise ConfigError(f"{program} cannot be asked for its version: {error}") from error
    match = re.search(r"version (\d+(?:\.\d+)+)", done.stdout)
    if match is None:
        raise ConfigError(f"{program} --version does not name a version: {done.stdout!r}")
    return match[1]
