"""One QEMU as a child process, controlled through its monitor (QMP)."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import json
import os
import signal
import socket
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

_STDERR_LINES_KEPT = 20
_EXIT_GRACE_S = 3.0
_MONITOR_LINE_BYTES = 1 << 20
_PR_SET_PDEATHSIG = 1  # prctl(2)

_SHARED_ARGUMENTS = (
    *("-display", "none", "-nodefaults", "-no-user-config"),
    *("-echr", "256"),
    "-S",  # nothing runs before the monitor listens for events
)

# A multiplexer keeps 32 bytes for a device that has room for one: a byte then takes no turn of
# QEMU's main loop. Its escape character (-echr) is none that a byte can be. It must not stand
# before a device that takes bytes without QEMU's lock, as Xtensa's semihosting console does.
_BUFFERED = ",mux=on"

Monitored = Callable[[str, dict[str, Any]], None]
"""Is told the name and data of what happens in QEMU (QEMU QMP Reference Manual, Events)."""


class MonitorError(RuntimeError):
    """QEMU refused a command, or ended; the text says why."""


class QemuChild:
    """A running QEMU: its first serial port as a stream, its monitor, its end.

    It ends with this process: the kernel kills it (Linux), however this process ends.
    """

    def __init__(
        self,
        program: str,
        process: subprocess.Popen[bytes],
        link: socket.socket,
        on_event: Monitored,
    ) -> None:
        self._program = program
        self._process = process
        self._link_socket = link
        self._on_event = on_event
        self._stderr: deque[str] = deque(maxlen=_STDERR_LINES_KEPT)
        self._answers: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue()
        self._asking = asyncio.Lock()
        self._tasks: list[asyncio.Task[None]] = []
        self.from_board: asyncio.StreamReader
        self.to_board: asyncio.StreamWriter
        self._monitor: asyncio.StreamWriter

    @classmethod
    async def start(
        cls,
        command: Sequence[str],
        on_event: Monitored,
        *,
        pipes: Sequence[str] = (),
        buffered_uart: bool = False,
    ) -> QemuChild:
        """Starts it and lets its core run.

        Args:
            command: program and arguments; ``{name}`` in them is a pipe's path.
            on_event: told of the monitor's events.
            pipes: names of pipes, each a character device of that name.
            buffered_uart: some bytes wait before the UART, which has room for one.

        Raises:
            OSError: the program cannot be started.
            MonitorError: it ended at once.
        """
        link, qemu_link = socket.socketpair()
        monitor, qemu_monitor = socket.socketpair()
        passed = [qemu_link.detach(), qemu_monitor.detach()]
        link_options = _BUFFERED if buffered_uart else ""
        arguments = [
            *_SHARED_ARGUMENTS,
            *("-chardev", f"socket,id=link,fd={passed[0]}{link_options}"),
            *("-serial", "chardev:link"),
            *("-chardev", f"socket,id=monitor,fd={passed[1]}"),
            *("-mon", "chardev=monitor,mode=control"),
        ]
        paths = {}
        try:
            for name in pipes:
                reader, writer = os.pipe()
                os.close(writer)  # QEMU opens the path for both directions
                passed.append(reader)
                paths[name] = f"/dev/fd/{reader}"
                arguments += ["-chardev", f"pipe,id={name},path={paths[name]}{_BUFFERED}"]
            own = [_with_paths(argument, paths) for argument in command[1:]]
            process = subprocess.Popen(
                [command[0], *arguments, *own],
                stdin=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                pass_fds=passed,
                preexec_fn=_die_with_parent,  # noqa: PLW1509 - there is one thread
            )
        except BaseException:
            link.close()
            monitor.close()
            raise
        finally:
            for fd in passed:
                os.close(fd)
        child = cls(command[0], process, link, on_event)
        try:
            await child._connect(monitor)
        except BaseException:
            await child.stop()
            raise
        return child

    async def _connect(self, monitor: socket.socket) -> None:
        assert self._process.stderr is not None
        errors = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(errors), self._process.stderr
        )
        self._tasks.append(asyncio.create_task(self._keep_stderr(errors)))
        self.from_board, self.to_board = await asyncio.open_connection(sock=self._link_socket)
        reader, self._monitor = await asyncio.open_connection(
            sock=monitor, limit=_MONITOR_LINE_BYTES
        )
        self._tasks.append(asyncio.create_task(self._listen(reader)))
        await self.execute("qmp_capabilities")
        await self.execute("cont")

    async def _keep_stderr(self, errors: asyncio.StreamReader) -> None:
        while line := await errors.readline():
            self._stderr.append(line.decode(errors="replace").rstrip())

    async def _listen(self, reader: asyncio.StreamReader) -> None:
        while line := await _line_of(reader):
            message = json.loads(line)
            if "event" in message:
                self._on_event(message["event"], message.get("data", {}))
            elif "QMP" not in message:  # the greeting
                self._answers.put_nowait(message)
        self._answers.put_nowait(None)

    async def execute(self, command: str) -> dict[str, Any]:
        """What the monitor returns for a command without arguments.

        Raises:
            MonitorError: it refuses, or QEMU has ended.
        """
        async with self._asking:
            self._monitor.write(json.dumps({"execute": command}).encode() + b"\n")
            answer = await self._answers.get()
        if answer is None:
            self._answers.put_nowait(None)  # whoever asks next is to learn it too
            raise MonitorError(await self.ended())
        if "error" in answer:
            raise MonitorError(f"QEMU refuses {command}: {answer['error']['desc']}")
        returned: dict[str, Any] = answer["return"]
        return returned

    async def ended(self) -> str:
        """Waits until it has ended; says how, with its last words."""
        await asyncio.gather(*self._tasks)  # monitor and stderr close with it
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_EXIT_GRACE_S)
        code = self._process.returncode
        how = f"exit code {code}" if code is None or code >= 0 else f"killed by signal {-code}"
        words = "; ".join(line for line in self._stderr if line and ": warning: " not in line)
        return f"{self._program} ended ({how}){': ' if words else ''}{words}"

    async def stop(self) -> None:
        """Ends it at once, as a loss of power does."""
        self._process.kill()
        self._process.wait()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for writer in (getattr(self, name, None) for name in ("to_board", "_monitor")):
            if writer is not None:
                writer.close()


async def _line_of(reader: asyncio.StreamReader) -> bytes:
    """The next line; empty at the end, however the connection ended."""
    try:
        return await reader.readline()
    except OSError:
        return b""


def _with_paths(argument: str, paths: dict[str, str]) -> str:
    for name, path in paths.items():
        argument = argument.replace(f"{{{name}}}", path)
    return argument


_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


def _die_with_parent() -> None:
    """In the child: a killed parent has no chance to end it."""
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
