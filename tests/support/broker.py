"""A real broker: Debian's Mosquitto, as a process that a test may kill and start again."""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
import time
from pathlib import Path
from typing import Self

_PROGRAM = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
_START_S = 10.0


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        number: int = probe.getsockname()[1]
        return number


class Mosquitto:
    """Runs from entry to exit; ``url`` stays the same when it is restarted."""

    def __init__(self, folder: Path, config: str = "", port: int | None = None) -> None:
        """Without ``config`` it lets everybody do everything on ``port``."""
        self.port = port or free_port()
        self.url = f"mqtt://127.0.0.1:{self.port}"
        self._log = folder / "mosquitto.log"
        self._config = folder / "mosquitto.test.conf"
        # Started as root it would become a user who may not read the test's files.
        user = f"user {getpass.getuser()}\n" if os.getuid() == 0 else ""
        self._config.write_text(
            user + (config or f"listener {self.port} 127.0.0.1\nallow_anonymous true\n")
        )
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Returns once it accepts connections."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [_PROGRAM, "-c", str(self._config)], stdout=log, stderr=log
            )
        deadline = time.monotonic() + _START_S
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1.0).close()
                return
            except OSError:
                assert self._process.poll() is None, self._log.read_text()
                assert time.monotonic() < deadline, self._log.read_text()
                time.sleep(0.02)

    def kill(self) -> None:
        """As a power cut would: nobody is told."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def restart(self, away_s: float = 0.0) -> None:
        self.kill()
        time.sleep(away_s)
        self.start()
