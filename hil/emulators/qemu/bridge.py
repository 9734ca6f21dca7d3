"""A board's TCP ports on the loopback interface, before and behind every restart of its QEMU.

The ports are those of ``common/server.mjs``: bytes of the UART, and JSON lines to control it.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import sys
from collections.abc import Sequence
from typing import Any

from hil.emulators.qemu.child import MonitorError, QemuChild

EXIT_STOPPED = 70
"""The board ended by itself."""

_LOOPBACK = "127.0.0.1"
_PIECE_BYTES = 65536
_LINE_LIMIT_BYTES = 4096


class Bridge:
    """One emulated board."""

    def __init__(self, command: Sequence[str], pipes: Sequence[str], buffered_uart: bool) -> None:
        """The arguments are those of :meth:`QemuChild.start`."""
        self._command = command
        self._pipes = pipes
        self._buffered_uart = buffered_uart
        self._child: QemuChild | None = None
        self._powered = asyncio.Event()
        self._cutting_power = asyncio.Lock()
        self._end: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._watchdog_fired = False
        self._host: asyncio.StreamWriter | None = None
        self._controllers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self, *, exit_with_parent: bool) -> int:
        """Serves the board until it ends or is told to; returns the process's exit code.

        Raises:
            OSError: QEMU cannot be started.
            MonitorError: it ended at once.
        """
        await self._power_on()
        uart = await asyncio.start_server(self._serve_uart, _LOOPBACK, 0)
        control = await asyncio.start_server(
            self._serve_control, _LOOPBACK, 0, limit=_LINE_LIMIT_BYTES
        )
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._finish, 0)
        if exit_with_parent:
            await self._watch_stdin()
        ports = {"uart": _port_of(uart), "control": _port_of(control)}
        print(f"READY {json.dumps(ports)}", flush=True)
        try:
            return await self._end
        finally:
            assert self._child is not None
            await self._child.stop()
            for writer in (*self._controllers, self._host):
                if writer is not None:
                    with contextlib.suppress(OSError):
                        await writer.drain()
                    writer.close()

    def _finish(self, code: int) -> None:
        if not self._end.done():
            self._end.set_result(code)

    def _background(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _watch_stdin(self) -> None:
        """The parent holds the other end: it closes when that is gone, however it ended."""
        reader = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
        )

        async def wait() -> None:
            while await reader.read(_PIECE_BYTES):
                pass
            self._finish(0)

        self._background(wait())

    # ------------------------------------------------------------------ power

    async def _power_on(self) -> None:
        self._watchdog_fired = False
        self._child = await QemuChild.start(
            self._command,
            self._on_event,
            pipes=self._pipes,
            buffered_uart=self._buffered_uart,
        )
        self._powered.set()
        self._background(self._from_board(self._child))

    async def _cycle_power(self) -> None:
        """A new QEMU has new memory; what was on its way on the line is lost."""
        async with self._cutting_power:
            old = self._child
            assert old is not None
            self._powered.clear()
            self._child = None
            await old.stop()
            try:
                await self._power_on()
            except (OSError, MonitorError) as error:
                self._stopped(str(error))
                return
        self._tell({"event": "reset", "cause": "power"})

    async def _pull_reset_pin(self) -> None:
        await self._powered.wait()
        assert self._child is not None
        with contextlib.suppress(MonitorError):  # it has ended, which is told elsewhere
            await self._child.execute("system_reset")

    def _on_event(self, name: str, data: dict[str, Any]) -> None:
        if name == "WATCHDOG":
            self._watchdog_fired = True
        elif name == "RESET":
            cause = "pin"
            if data.get("guest"):
                cause = "watchdog" if self._watchdog_fired else "software"
            self._watchdog_fired = False
            self._tell({"event": "reset", "cause": cause})

    def _stopped(self, reason: str) -> None:
        print(reason, file=sys.stderr, flush=True)
        self._tell({"event": "stopped", "kind": "ended", "reason": reason})
        self._finish(EXIT_STOPPED)

    # ------------------------------------------------------------------- UART

    async def _from_board(self, child: QemuChild) -> None:
        """Bytes without a listener are lost, as on a pin with nothing connected."""
        with contextlib.suppress(OSError):
            while data := await child.from_board.read(_PIECE_BYTES):
                if self._host is not None:
                    self._host.write(data)
        if child is self._child:  # nobody ended it
            self._stopped(await child.ended())

    async def _serve_uart(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """A serial port has one user: a second connection is refused."""
        if self._host is not None:
            writer.close()
            return
        self._host = writer
        try:
            while data := await reader.read(_PIECE_BYTES):
                await self._powered.wait()
                child = self._child
                if child is not None:
                    with contextlib.suppress(OSError):  # lost with the board
                        child.to_board.write(data)
                        await child.to_board.drain()
        except (OSError, asyncio.CancelledError):  # the host is gone, or all ends
            pass
        finally:
            self._host = None
            writer.close()

    # ---------------------------------------------------------------- control

    async def _serve_control(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._controllers.add(writer)
        try:
            while line := await reader.readline():
                if line.strip():
                    answer = await self._obey(line)
                    writer.write(json.dumps(answer).encode() + b"\n")
                    await writer.drain()
        except (OSError, ValueError, asyncio.CancelledError):  # ValueError: a line over the limit
            pass
        finally:
            self._controllers.discard(writer)
            writer.close()

    async def _obey(self, line: bytes) -> dict[str, Any]:
        try:
            message = json.loads(line)
        except ValueError:
            message = None
        if not isinstance(message, dict):
            return {"error": "not a JSON object"}
        command = message.get("command")
        answer = {"command": command}
        if command == "power":
            self._background(self._cycle_power())
        elif command == "pin":
            self._background(self._pull_reset_pin())
        elif command == "status":
            return answer | await self._status()
        elif command == "kill":
            asyncio.get_running_loop().call_soon(self._finish, 0)
        else:
            return answer | {"error": "unknown command"}
        return answer

    async def _status(self) -> dict[str, Any]:
        await self._powered.wait()
        assert self._child is not None
        try:
            return await self._child.execute("query-status")
        except MonitorError as error:
            return {"error": str(error)}

    def _tell(self, message: dict[str, Any]) -> None:
        for writer in self._controllers:
            writer.write(json.dumps(message).encode() + b"\n")


def _port_of(server: asyncio.Server) -> int:
    port: int = server.sockets[0].getsockname()[1]
    return port
