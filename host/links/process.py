"""A board that is a process of this computer: the desktop's agent on its standard streams."""

from __future__ import annotations

import contextlib
import os
import select
import subprocess
import tempfile
from pathlib import Path

from host.errors import ConfigError, LinkError

_READ_BYTES = 65536
_EXIT_GRACE_S = 3.0
_STDERR_BYTES_SHOWN = 2000


class ProcessLink:
    """Starts ``program ... --stdio``; closing the link ends it."""

    transport = "process"

    def __init__(self, program: Path, *arguments: str, name: str | None = None) -> None:
        """Starts the agent.

        Args:
            name: what the link is called; None: as the program.

        Raises:
            ConfigError: there is no such program, or it cannot be started.
        """
        self.name = name or program.name
        if not program.is_file():
            raise ConfigError(
                f"{program}: the agent for this computer is not built",
                hint="`make firmware` builds it",
            )
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115  # closed with the link
        try:
            self._process = subprocess.Popen(
                [str(program), *arguments, "--stdio"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._stderr,
                start_new_session=True,  # Ctrl-C is ours to handle: the session is closed first
            )
        except OSError as error:
            self._stderr.close()
            raise ConfigError(f"{program} cannot be started: {error}") from error
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._to, self._from = self._process.stdin, self._process.stdout

    def read(self, timeout_s: float) -> bytes:
        try:
            if not select.select([self._from], [], [], timeout_s)[0]:
                return b""
            data = os.read(self._from.fileno(), _READ_BYTES)
        except (OSError, ValueError) as error:  # ValueError: closed on this side
            raise self._gone() from error
        if not data:
            raise self._gone()
        return data

    def write(self, data: bytes) -> None:
        try:
            self._to.write(data)
            self._to.flush()
        except (OSError, ValueError) as error:
            raise self._gone() from error

    def close(self) -> None:
        for stream in (self._to, self._from):
            with contextlib.suppress(OSError):
                stream.close()
        try:
            self._process.wait(_EXIT_GRACE_S)  # the agent ends with its input
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._stderr.close()

    def _gone(self) -> LinkError:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_EXIT_GRACE_S)
        words = ""
        if not self._stderr.closed:
            self._stderr.seek(0)
            words = self._stderr.read(_STDERR_BYTES_SHOWN).decode(errors="replace").strip()
        return LinkError(f"{self.name} ended{': ' + words if words else ''}")
