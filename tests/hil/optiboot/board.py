"""An UNO with Arduino's boot loader, emulated, as something behind a serial port."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Self

import pytest

from tests.support.make import BUILD_DIR, make

FOLDER = Path(__file__).parent
_BUILT = BUILD_DIR / "tests" / "optiboot"
_NEEDED = {
    "simavr's headers": "/usr/include/simavr/sim_avr.h",
    "Optiboot's source": "/usr/share/arduino/hardware/arduino/avr/bootloaders/optiboot/optiboot.c",
}


def require_optiboot() -> None:
    """Skips the test where the machine has not what `scripts/setup` installs for it."""
    missing = [what for what, path in _NEEDED.items() if not Path(path).is_file()]
    if shutil.which("avrdude") is None:
        missing.append("avrdude")
    if missing:
        pytest.skip(f"needs {', '.join(missing)}: `make setup` installs them")


class UnoWithOptiboot:
    """A running one; ``port`` is its pseudo-terminal."""

    def __init__(self) -> None:
        make(FOLDER)
        self._process = subprocess.Popen(
            [_BUILT / "uno_with_optiboot", _BUILT / "optiboot.bin"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        word, self.port = self._line().split()
        assert word == "READY"

    def erased_pages(self) -> int:
        """Pages of flash that were erased since it was started."""
        return int(self._asked("erased"))

    def timed_edges(self) -> tuple[int, int]:
        """Rising and falling edges of the pin around the timed region, PB0."""
        rising, falling = self._asked("timed").split()
        return int(rising), int(falling)

    def _asked(self, question: str) -> str:
        assert self._process.stdin is not None
        self._process.stdin.write(question + "\n")
        self._process.stdin.flush()
        return self._line()

    def _line(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line.endswith("\n"), f"the emulated board ended with {self._process.wait()}"
        return line

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate(timeout=10)  # the end of its standard input ends it
