"""An emulator program as a child process: started, awaited, stopped, asked why it ended."""

from __future__ import annotations

import contextlib
import json
import subprocess
import threading
from collections import deque
from collections.abc import Sequence
from queue import Empty, Queue

from host.errors import ConfigError, DeadlineExceeded, LinkError

_READY = "READY "
_STDERR_LINES_KEPT = 20
_STOP_GRACE_S = 3.0
_END_OF_OUTPUT = None


class EmulatorProcess:
    """A running emulator that printed ``READY {"uart": port, "control": port}``.

    There may be ports of further links; ``port`` is the one that the host talks through.

    The child holds the read end of our stdin pipe: it ends by itself when this process dies,
    however that happens.
    """

    host = "127.0.0.1"

    def __init__(
        self, name: str, command: Sequence[str], deadline_s: float, link: str = "uart"
    ) -> None:
        """Starts ``command`` and waits for it to be ready.

        Args:
            name: what error messages call it.
            command: program and arguments.
            deadline_s: longest wait for the READY line.
            link: the name, in that line, of the port to talk through.

        Raises:
            ConfigError: the program cannot be started.
            LinkError: it ended before it was ready.
            DeadlineExceeded: it did not become ready in time.
        """
        self.name = name
        self._stderr: deque[str] = deque(maxlen=_STDERR_LINES_KEPT)
        try:
            self._child = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                errors="replace",
                start_new_session=True,  # Ctrl-C is ours to handle: the session is closed first
            )
        except OSError as error:
            raise ConfigError(f"{name} cannot be started: {error}") from error
        lines: Queue[str | None] = Queue()
        self._readers = [
            threading.Thread(target=self._read_stdout, args=(lines,), daemon=True),
            threading.Thread(target=self._read_stderr, daemon=True),
        ]
        for reader in self._readers:
            reader.start()
        try:
            self.ports: dict[str, int] = self._await_ready(lines, deadline_s)
        except BaseException:
            self.stop()
            raise
        self.port: int = self.ports[link]
        self.control_port: int = self.ports["control"]

    @property
    def pid(self) -> int:
        return self._child.pid

    def _read_stdout(self, lines: Queue[str | None]) -> None:
        assert self._child.stdout is not None
        for line in self._child.stdout:
            lines.put(line)
        lines.put(_END_OF_OUTPUT)

    def _read_stderr(self) -> None:
        assert self._child.stderr is not None
        for line in self._child.stderr:
            self._stderr.append(line.rstrip())

    def _await_ready(self, lines: Queue[str | None], deadline_s: float) -> dict[str, int]:
        try:
            line = lines.get(timeout=deadline_s)
        except Empty:
            raise DeadlineExceeded(
                f"{self.name} was not ready after {deadline_s:g} s", awaited="the emulator's start"
            ) from None
        if line is _END_OF_OUTPUT or not line.startswith(_READY):
            raise LinkError(self.exit_report(wait_s=_STOP_GRACE_S) or f"{self.name}: {line!r}")
        ports: dict[str, int] = json.loads(line[len(_READY) :])
        return ports

    def exit_report(self, wait_s: float = 0.0) -> str | None:
        """Why it ended, in one sentence with its last words; ``None`` while it runs.

        Args:
            wait_s: a socket closes a moment before its process ends; how long to wait for that.
        """
        try:
            code = self._child.wait(timeout=wait_s)
        except subprocess.TimeoutExpired:
            return None
        for reader in self._readers:
            reader.join(timeout=_STOP_GRACE_S)
        how = f"exit code {code}" if code >= 0 else f"killed by signal {-code}"
        words = "; ".join(line for line in self._stderr if line.strip())
        return f"the emulated board stopped ({self.name}, {how}){': ' + words if words else ''}"

    def stop(self) -> None:
        """Ends it: asked first, then killed. Safe to call twice."""
        if self._child.poll() is None:
            self._child.terminate()
            try:
                self._child.wait(timeout=_STOP_GRACE_S)
            except subprocess.TimeoutExpired:
                self._child.kill()
                self._child.wait()
        for reader in self._readers:
            reader.join(timeout=_STOP_GRACE_S)
        for stream in (self._child.stdin, self._child.stdout, self._child.stderr):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()
