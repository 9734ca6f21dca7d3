"""Runs one board on QEMU: ``python -m hil.emulators.qemu [options] -- qemu-system-arm -M ...``.

Prints one line ``READY {"uart": port, "control": port}`` on stdout once the core runs. Exit
codes: 0 told to end, 2 usage or no QEMU, 70 QEMU ended by itself (the reason is the last line on
stderr).
"""

from __future__ import annotations

import argparse
import asyncio
import sys

from hil.emulators.qemu.bridge import EXIT_STOPPED, Bridge
from hil.emulators.qemu.child import MonitorError

_EXIT_USAGE = 2


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m hil.emulators.qemu")
    parser.add_argument(
        "--pipe",
        action="append",
        default=[],
        metavar="NAME",
        help="a pipe as a character device of that name; {NAME} in an argument is its path",
    )
    parser.add_argument(
        "--buffered-uart", action="store_true", help="bytes wait before a UART with room for one"
    )
    parser.add_argument(
        "--exit-with-parent", action="store_true", help="end when stdin closes, as it does then"
    )
    parser.add_argument("command", nargs="+", help="QEMU and its own arguments")
    options = parser.parse_args()
    return asyncio.run(_run(options))


async def _run(options: argparse.Namespace) -> int:
    try:
        bridge = Bridge(options.command, options.pipe, options.buffered_uart)
        return await bridge.run(exit_with_parent=options.exit_with_parent)
    except OSError as error:
        print(f"{options.command[0]} cannot be started: {error}", file=sys.stderr)
        return _EXIT_USAGE
    except MonitorError as error:
        print(error, file=sys.stderr)
        return EXIT_STOPPED


if __name__ == "__main__":
    sys.exit(main())
