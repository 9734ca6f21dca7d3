"""Finds what reads a farm file.

A farm reader is a class that another package registers under the entry point group
``jumpstation.farms``; the host knows none by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import attrs

from host.errors import ConfigError

if TYPE_CHECKING:
    from host.evidence import History

ENTRY_POINT_GROUP = "jumpstation.farms"
DEFAULT_FARM = Path("hil/farm.yaml")
"""In the current folder: where a checkout has its own."""
_NAME = "file"


@attrs.frozen(kw_only=True)
class FarmPlace:
    """A board of a farm, and where it is.

    ``name`` is ``RACK/BOARD``; ``device`` its id in the catalog, None where only the board itself
    can tell. ``port`` None: it is started here. ``may_program``: whether its firmware may be
    replaced. ``left_out``: why it is not to be used.
    """

    name: str
    device: str | None
    port: str | None = None
    flash_model: str | None = None
    may_program: bool = True
    left_out: str | None = None


class FarmReader(Protocol):
    """What the entry point names: a class without constructor arguments."""

    def places(self, config: Path, history: History | None) -> Sequence[FarmPlace]:
        """All boards of a farm file, in its order.

        Args:
            config: the farm file.
            history: beside which runs keep the boards that they put into quarantine.

        Raises:
            ConfigError: the file is wrong.
        """
        ...


def find_farm_reader() -> FarmReader:
    """Raises ConfigError where none is installed."""
    for point in entry_points(group=ENTRY_POINT_GROUP, name=_NAME):
        reader: FarmReader = point.load()()
        return reader
    raise ConfigError(
        "nothing is installed that reads farm files",
        hint="`make setup` installs this repository's; --no-farm goes without",
    )
