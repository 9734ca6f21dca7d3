"""The MicroPython agent's port where a desktop program moves its bytes.

Runs inside the interpreter that is the board: MicroPython as WebAssembly, or CPython.
"""

from port import Port


class HostedPort(Port):
    """``send`` takes bytes for the host; ``restart`` starts the interpreter anew."""

    domain = "mpu"
    max_ns_per_mac = 20_000  # a busy machine

    def __init__(self, facts, send, restart):
        """``facts``: pool_bytes, and attributes of Port."""
        super().__init__(bytearray(facts.pop("pool_bytes")))
        for name, value in facts.items():
            setattr(self, name, value)
        self._send = send
        self._restart = restart

    def write(self, data):
        self._send(data)

    def reset(self):
        self._restart()
