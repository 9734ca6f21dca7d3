"""What a board gives the agent: memory, clocks, facts, bytes out."""

import time


class Port:
    """Clocks of MicroPython's ``time``; a board fills in the rest.

    Counters wrap (ticks_ms after 2^30 ms, ticks_us after 2^30 us on common boards): differences are
    right for up to half of that, six days and nine minutes.
    """

    board = ""  # the id in the catalog
    domain = "mcu"
    core = ""
    clock_hz = 0
    uid = b""
    build = ""
    interpreter = "micropython"
    emulator = ""  # empty on silicon
    max_payload_bytes = 1024
    max_ns_per_mac = 100_000  # pessimistic: bounds the host's first deadline
    reset_cause = 0
    boot_count = 1

    def __init__(self, pool):
        """``pool``: a bytearray that plan and arena share."""
        self.pool = pool
        self._started = self.millis()

    def write(self, data):
        """Sends all of ``data``."""
        raise NotImplementedError  # each port's own; MicroPython has no abc

    def reset(self):
        """Restarts the board."""
        raise NotImplementedError  # as above

    def log(self, error):
        """Takes note of an exception that ended a request."""

    def millis(self):
        return time.ticks_ms()

    def millis_since(self, then):
        return time.ticks_diff(time.ticks_ms(), then)

    def uptime_ms(self):
        return self.millis_since(self._started) & 0x3FFFFFFF

    def ticks_us(self):
        return time.ticks_us()

    def ticks_us_since(self, then):
        return time.ticks_diff(time.ticks_us(), then)
