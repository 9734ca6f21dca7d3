"""Bytes in and out of a board: USB or the console's UART through stdin, or a UART of its own."""

import select
import sys

import micropython

_WAIT_MS = 100
_READ_BYTES = 512


class ConsoleLine:
    """The line on which the REPL is otherwise: USB on a Pico, UART0 on most ESP32 boards."""

    def __init__(self):
        # Frames hold any byte, 3 too; what leaves the agent is an Escape.
        micropython.kbd_intr(-1)
        self._poll = select.poll()
        self._poll.register(sys.stdin, select.POLLIN)

    def read(self, until):
        """What has arrived, byte by byte until ``until(byte)``; waits a moment for the first."""
        data = bytearray()
        wait_ms = _WAIT_MS
        # A read of more than is there would wait for the rest.
        while len(data) < _READ_BYTES and self._poll.poll(wait_ms):
            data.extend(sys.stdin.buffer.read(1))
            wait_ms = 0
            if until(data[-1]):
                break
        return bytes(data)

    def write(self, data):
        sys.stdout.buffer.write(data)

    def close(self):
        micropython.kbd_intr(3)


class UartLine:
    """A machine.UART; the REPL stays where it is."""

    def __init__(self, uart):
        self._uart = uart
        self._poll = select.poll()
        self._poll.register(uart, select.POLLIN)

    def read(self, until):
        if not self._poll.poll(_WAIT_MS):
            return b""
        return self._uart.read(min(self._uart.any() or 1, _READ_BYTES)) or b""

    def write(self, data):
        view = memoryview(data)
        while view:
            written = self._uart.write(view)
            if not written:
                return  # the line takes nothing: the host will ask again
            view = view[written:]

    def close(self):
        self._uart.deinit()


class Escape:
    """Carriage return and Ctrl-C at the start of a frame: how mpremote asks for the REPL.

    No frame begins so: its second byte on the wire is its version, 1.
    """

    _SEQUENCE = b"\r\x03"

    def __init__(self):
        self._matched = 0  # bytes of it; negative: another stretch is under way
        self.is_complete = False

    def __call__(self, byte):
        """Takes the next byte; whether the sequence is complete."""
        if byte == 0:
            self._matched = 0
        elif self._matched >= 0:
            self._matched = self._matched + 1 if byte == self._SEQUENCE[self._matched] else -1
            self.is_complete = self._matched == len(self._SEQUENCE)
        return self.is_complete
