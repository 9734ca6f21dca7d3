"""Talking to the test images: bytes out, lines of hex digits in."""

from __future__ import annotations

import json
import socket
import time
from typing import Any

from hil.emulators.process import EmulatorProcess
from host.links.emulator import EmulatorLink

_LINE_BYTES = 9


def read_bytes(link: EmulatorLink, count: int, timeout_s: float = 10.0) -> bytes:
    """At least `count` bytes, or fewer if no more come in time."""
    end = time.monotonic() + timeout_s
    received = b""
    while len(received) < count and time.monotonic() < end:
        received += link.read(max(0.0, end - time.monotonic()))
    return received


def read_numbers(link: EmulatorLink, count: int) -> list[int]:
    """`count` lines of eight hex digits."""
    return parse_numbers(read_bytes(link, _LINE_BYTES * count), count)


def parse_numbers(text: bytes, count: int) -> list[int]:
    """The numbers in `count` lines, which must be all there is."""
    lines = text.split(b"\n")
    assert len(lines) == count + 1, lines
    return [int(line, 16) for line in lines[:-1]]


def ask(link: EmulatorLink, command: bytes, answers: int) -> list[int]:
    """Sends `command` and reads the numbers it answers with."""
    link.write(command)
    return read_numbers(link, answers)


class Control:
    """The emulator's control port."""

    def __init__(self, process: EmulatorProcess) -> None:
        self._socket = socket.create_connection((process.host, process.control_port), timeout=10)
        self._lines = self._socket.makefile("r", encoding="utf-8")

    def command(self, name: str, **arguments: object) -> dict[str, Any]:
        message = json.dumps({"command": name, **arguments})
        self._socket.sendall(message.encode() + b"\n")
        while True:
            message = self.next_message()
            if message.get("command") == name:
                return message

    def next_message(self) -> dict[str, Any]:
        message: dict[str, Any] = json.loads(self._lines.readline())
        return message

    def close(self) -> None:
        self._lines.close()
        self._socket.close()

    def __enter__(self) -> Control:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
