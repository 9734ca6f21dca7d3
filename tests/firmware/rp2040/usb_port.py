"""The USB port of the emulated Pico, plugged into the emulator's strict host."""

from __future__ import annotations

import struct
from typing import Any, Self

from hil.emulators.process import EmulatorProcess
from tests.hil.dialogue import Control


class UsbPort:
    """Control transfers, faults and the cable, through the emulator's control port."""

    def __init__(self, board: EmulatorProcess) -> None:
        self._control = Control(board)

    def do(self, action: str, **arguments: object) -> dict[str, Any]:
        """What the emulator's `usb_control.mjs` lists."""
        answer = self._control.command("usb", action=action, **arguments)
        assert "error" not in answer, answer
        return answer

    def emulated_ms(self) -> float:
        elapsed: float = self._control.command("status")["emulatedMs"]
        return elapsed

    def request(
        self, kind: int, request: int, value: int = 0, index: int = 0, length: int = 0, /
    ) -> bytes | None:
        """A request without an OUT data stage; what it answers, `None` where it is refused."""
        setup = struct.pack("<BBHHH", kind, request, value, index, length)
        return self._answer(self.do("request", setup=setup.hex()))

    def send(self, kind: int, request: int, value: int, index: int, data: bytes) -> bytes | None:
        """A request that carries `data` to the device."""
        setup = struct.pack("<BBHHH", kind, request, value, index, len(data))
        return self._answer(self.do("request", setup=setup.hex(), data=data.hex()))

    @staticmethod
    def _answer(answer: dict[str, Any]) -> bytes | None:
        return None if answer["stalled"] else bytes.fromhex(answer["data"])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._control.close()
