"""Finds what serves a rack.

A rack server is a class that another package registers under the entry point group
``jumpstation.racks``; the host knows none by itself.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import entry_points
from pathlib import Path
from typing import Protocol

from host.errors import ConfigError

ENTRY_POINT_GROUP = "jumpstation.racks"
_NAME = "gateway"


class RackServer(Protocol):
    """What the entry point names: a class without constructor arguments."""

    def serve(
        self,
        config: Path,
        *,
        mqtt: str | None,
        rack: str | None,
        broker_port: int | None,
        announce: Callable[[str], None],
    ) -> None:
        """Offers the boards of a farm file until interrupted.

        Args:
            config: the farm file.
            mqtt: the broker's URL; None starts one on the loopback address.
            rack: the one to serve; None: all of the file.
            broker_port: where the started broker listens; None: the usual port, if it is free.
            announce: told the broker's URL.

        Raises:
            ConfigError: the file or the URL is wrong, or the broker's port taken.
            LinkError: the broker cannot be reached, or refuses.
        """
        ...


def find_rack_server() -> RackServer:
    """Raises ConfigError where none is installed."""
    for point in entry_points(group=ENTRY_POINT_GROUP, name=_NAME):
        server: RackServer = point.load()()
        return server
    raise ConfigError("no rack server is installed", hint="`make setup` installs this repository's")
