"""A farm file on the disk: read with its text, given more boards, written back."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Self

import attrs

from hil.farm.check import check
from hil.farm.edit import NewBoard, new_text, with_boards
from hil.farm.file import Farm, farm_of
from hil.farm.located_yaml import LocatedYaml
from host.errors import ConfigError
from host.files import check_writable, write_text
from protocol.mqtt.topics import is_name

_FIRST_RACK = "bench"


@attrs.frozen
class Change:
    """What a file says and what it is to say."""

    path: Path
    before: str
    after: str
    rack: str
    boards: tuple[NewBoard, ...]
    is_there: bool

    @property
    def is_one(self) -> bool:
        return self.after != self.before

    def write(self) -> None:
        """Puts the new text in place of the old, where that is still what it was.

        Raises:
            ConfigError: it has changed meanwhile, or cannot be written.
        """
        if not self.is_one:
            return
        now = self.path.read_bytes().decode("utf-8", "replace") if self.path.exists() else None
        if now != (self.before if self.is_there else None):
            raise ConfigError(
                f"{self.path}: has changed since it was read: nothing was written",
                hint="run the command again",
            )
        # A link stays a link.
        write_text(self.path.resolve(), self.after)


@attrs.frozen
class FarmText:
    """A farm file, or the one that is to be made; ``file`` None where there are no racks yet."""

    path: Path
    text: str
    farm: Farm
    file: LocatedYaml | None
    is_there: bool

    @classmethod
    def read(cls, path: Path) -> Self:
        """Raises ConfigError where the file is there and wrong, or could not be written."""
        check_writable(path)
        if not path.exists():
            return cls(path, "", Farm(()), None, is_there=False)
        file = LocatedYaml(path)
        if file.value is None:  # comments alone, if anything
            return cls(path, file.text, Farm(()), None, is_there=True)
        check(file)
        return cls(path, file.text, farm_of(file.value["racks"]), file, is_there=True)

    def rack(self, given: str | None) -> str:
        """Where boards are added.

        Raises:
            ConfigError: there are several racks and none was named, or the name is none.
        """
        names = [rack.id for rack in self.farm.racks]
        if given is not None:
            if given not in names and not is_name(given):
                raise ConfigError(
                    f"--rack {given}: lower case letters, digits, - and _ make a rack's name"
                )
            return given
        if len(names) > 1:
            raise ConfigError(
                f"{self.path}: has several racks: {', '.join(names)}",
                hint="--rack ID says which one stands at this machine",
            )
        return names[0] if names else _FIRST_RACK

    def with_boards(self, rack: str, boards: Sequence[NewBoard]) -> Change:
        """Raises ConfigError where the file is written so that lines cannot be added."""
        after = self.text
        if boards and self.file is not None:
            after = with_boards(self.file, rack, boards)
        elif boards:
            after = new_text(rack, boards, below=self.text)
        return Change(self.path, self.text, after, rack, tuple(boards), self.is_there)
