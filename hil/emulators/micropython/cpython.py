"""The MicroPython agent on CPython: ``python cpython.py [--pool-bytes N] [--agent FOLDER]``.

Serves one client at a time on a TCP port of 127.0.0.1 and prints ``READY <port>``. For tests, which
CPython runs many times faster; a board's MicroPython is in main.mjs.
"""

import argparse
import platform
import socket
import sys
import time
import traceback
from pathlib import Path

_AGENT = Path(__file__).resolve().parents[3] / "agent" / "micropython"
_READ_BYTES = 65536
_POWER_ON, _SOFTWARE = 1, 3


class _Restart(Exception):
    """The board resets."""


def _restart():
    raise _Restart


def _give_time_ticks():
    """What MicroPython's time has and CPython's has not."""
    time.ticks_ms = lambda: time.monotonic_ns() // 1_000_000
    time.ticks_us = lambda: time.perf_counter_ns() // 1_000
    time.ticks_diff = lambda now, then: now - then


def _serve(listener, facts):
    """Serves clients, boot after boot."""
    from hosted import HostedPort

    from agent import Agent

    class Logged(HostedPort):
        def log(self, error):
            traceback.print_exception(error, file=sys.stderr)

    boot_count = 0
    client = None

    def send(data):
        if client is not None:
            client.sendall(data)

    while True:
        boot_count += 1
        cause = _POWER_ON if boot_count == 1 else _SOFTWARE
        boot = {**facts, "boot_count": boot_count, "reset_cause": cause}
        agent = Agent(Logged(boot, send, _restart))
        try:
            while True:
                if client is None:
                    client, _ = listener.accept()
                    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                try:
                    data = client.recv(_READ_BYTES)
                    agent.feed(data)
                except OSError:
                    data = b""
                if not data:
                    client.close()
                    client = None
        except _Restart:
            pass


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pool-bytes", type=int, default=1 << 20)
    parser.add_argument("--agent", type=Path, default=_AGENT, help="folder of the agent to run")
    options = parser.parse_args()
    _give_time_ticks()
    sys.dont_write_bytecode = True  # the agent's folder is copied to boards as it is
    sys.path[:0] = [str(options.agent)]
    version = platform.python_version()
    facts = {
        "pool_bytes": options.pool_bytes,
        "board": "pc",
        "core": platform.machine(),
        "build": f"CPython {version}",
        "interpreter": f"micropython agent on cpython {version}",
    }
    with socket.create_server(("127.0.0.1", 0)) as listener:
        print(f"READY {listener.getsockname()[1]}", flush=True)
        _serve(listener, facts)


if __name__ == "__main__":
    main()
