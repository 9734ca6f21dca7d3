"""The command line: reads arguments, shows results, holds no logic."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from host.errors import ExitCode

_OURS = ("agent", "devices", "hil", "host", "protocol")


def main(arguments: Sequence[str] | None = None, *, command: str | None = None) -> None:
    """As :func:`host.cli.app.main`, where this is the installation of a host.

    A board has the same package without the libraries of a host: the extra ``agent``.
    """
    try:
        from host.cli.app import main as run
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] in _OURS:
            raise
        print(
            f"error: {error.name} is not installed: is this a board's installation?\n"
            "a host needs the extra of that name: pip install '.[host]'",
            file=sys.stderr,
        )
        sys.exit(int(ExitCode.CONFIG))
    run(arguments, command=command)


__all__ = ["main"]
