"""What of a board needs no board: boots, the way back to the REPL, main.py's loop. On MicroPython.

``machine`` and the console are stand-ins: they show that board.py and main.py hold together, not
that they work on a board.
"""

import sys

import boots
import framing
import lines
from jsp_protocol import (
    ANSWER_BIT,
    PING_ANSWER,
    RESET_PIN,
    RESET_POWER_ON,
    RESET_SOFTWARE,
    RESET_UNKNOWN,
    RESET_WATCHDOG,
    TYPE_PING,
)
from lines import Escape


def equal(got, wanted):
    assert got == wanted, (got, wanted)


class Rp2:
    """The names and numbers of the rp2 port's module ``machine``."""

    PWRON_RESET, WDT_RESET = 1, 3

    def __init__(self, cause):
        self.reset_cause = lambda: cause


def check_causes():
    equal(boots.machine_cause(Rp2(1)), RESET_POWER_ON)
    equal(boots.machine_cause(Rp2(3)), RESET_WATCHDOG)
    equal(boots.machine_cause(Rp2(9)), RESET_UNKNOWN)


def check_boots(path):
    equal(boots.count_boot(path, RESET_POWER_ON), (1, RESET_POWER_ON))
    equal(boots.count_boot(path, RESET_PIN), (2, RESET_PIN))
    # The RP2040 calls a reset that was asked for one by the watchdog.
    boots.announce_reset(path, 2)
    equal(boots.count_boot(path, RESET_WATCHDOG), (3, RESET_SOFTWARE))
    equal(boots.count_boot(path, RESET_WATCHDOG), (4, RESET_WATCHDOG))
    equal(boots.count_boot(path, RESET_POWER_ON), (1, RESET_POWER_ON))
    for damage in ("", "x", "7", "1 2 3"):
        with open(path, "w") as file:  # noqa: PTH123 - MicroPython has no pathlib
            file.write(damage)
        equal(boots.count_boot(path, RESET_PIN), (1, RESET_PIN))


def taken(data):
    """How many bytes of ``data`` are read before the agent leaves; None if it stays."""
    escape = Escape()
    for position, byte in enumerate(data):
        if escape(byte):
            return position + 1
    return None


def check_escape():
    equal(taken(b"\r\x03\r\x01"), 2)
    equal(taken(b"\x00\x03\x01\x01\x00\r\x03\r\x01"), 7)
    # A frame has its version, 1, behind its first byte.
    for other in (b"\r\x01\x03", b"\x03\r\x03", b"x\r\x03", b"\r\r\x03", b"\r\x00\x03"):
        equal(taken(other), None)


class Machine(Rp2):
    """As much of the module as board.py asks."""

    @staticmethod
    def freq():
        return 125_000_000

    @staticmethod
    def unique_id():
        return b"\x01\x02\x03\x04"


class Console:
    """In the place of ConsoleLine: a PING, then what mpremote sends first."""

    written = b""
    is_closed = False

    def __init__(self):
        self._left = framing.encode(TYPE_PING, 0, 7, b"") + b"\r\x03\r\x01"

    def read(self, until):
        count = 0
        while count < len(self._left):
            count += 1
            if until(self._left[count - 1]):
                break
        data, self._left = self._left[:count], self._left[count:]
        return data

    def write(self, data):
        Console.written += data

    def close(self):
        Console.is_closed = True
        # The rest is the REPL's.
        equal(self._left, b"\r\x01")


def check_main():
    sys.modules["machine"] = Machine(1)
    lines.ConsoleLine = Console
    import main  # noqa: F401 - runs until it is asked to leave

    header, payload = framing.Decoder(64).feed(Console.written)[0]
    equal((header.type, header.sequence), (TYPE_PING | ANSWER_BIT, 7))
    equal(PING_ANSWER.read(payload).boot_count, 1)
    equal(Console.is_closed, True)


check_causes()
check_boots("/boots.txt")
check_escape()
check_main()
print("done")
