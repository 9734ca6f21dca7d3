"""A board with stock MicroPython."""

import gc
import sys

import machine

import boots
from port import Port

# Left to the interpreter: frames, a kernel's rows, and what a garbage collector needs to breathe.
_RESERVE_BYTES = 32 * 1024
_LEAST_POOL_BYTES = 4 * 1024
_BOOTS_FILE = "jump_boots.txt"
_BOARD_IDS = {"rp2": "pico", "esp32": "esp32"}


def allocate_pool():
    """The largest bytearray that leaves the reserve; smaller where the heap is in pieces."""
    gc.collect()
    size = max(gc.mem_free() - _RESERVE_BYTES, _LEAST_POOL_BYTES)
    while True:
        try:
            return bytearray(size // 16 * 16)
        except MemoryError:
            size -= size // 4
            if size < _LEAST_POOL_BYTES:
                raise


class Board(Port):
    """The board that this runs on, over ``line``."""

    def __init__(self, line):
        super().__init__(allocate_pool())
        self._line = line
        frequency = machine.freq()
        self.board = _BOARD_IDS.get(sys.platform, sys.platform)
        self.core = sys.implementation._machine  # "Raspberry Pi Pico with RP2040"
        self.clock_hz = frequency[0] if isinstance(frequency, tuple) else frequency
        self.uid = machine.unique_id()[:16]
        self.build = sys.version
        release = ".".join(str(part) for part in sys.implementation.version[:3])
        self.interpreter = "micropython " + release
        self.boot_count, self.reset_cause = boots.count_boot(
            _BOOTS_FILE, boots.machine_cause(machine)
        )

    def write(self, data):
        self._line.write(data)

    def reset(self):
        boots.announce_reset(_BOOTS_FILE, self.boot_count)
        machine.reset()
