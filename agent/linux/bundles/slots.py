"""Two places for a bundle, and a file that says which of them runs.

A file comes into the folder whole or not at all: it is written beside its place, brought to the
disk, and renamed; then the folder is brought to the disk too. So after a loss of power at any
moment the pointer names a slot that was whole when it was written.
"""

from __future__ import annotations

import fcntl
import json
import os
from enum import StrEnum
from pathlib import Path

import attrs

_POINTER = "current"
_LOCK = "lock"
_SCHEMA = "slots/1"
_MAX_POINTER_BYTES = 4096


class Slot(StrEnum):
    A = "a"
    B = "b"

    @property
    def other(self) -> Slot:
        return Slot.B if self is Slot.A else Slot.A


@attrs.frozen
class Pointer:
    """``previous`` ran before ``current``; None where it is not known to have worked.

    ``unfinished_starts``: of ``current``, since it last passed its self-test.
    """

    current: Slot
    previous: Slot | None
    unfinished_starts: int = 0


class Slots:
    """The slots in ``folder``, which is made where it is not there, for this process alone.

    Every method raises OSError where the disk fails.
    """

    def __init__(self, folder: Path) -> None:
        """Raises OSError also where another agent uses the folder."""
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._lock = (folder / _LOCK).open("w")  # held until this ends
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self._lock.close()
            raise OSError(f"{folder}: another agent uses these bundles") from error

    def close(self) -> None:
        """Leaves the folder to another."""
        self._lock.close()

    def pointer(self) -> Pointer | None:
        """None where nothing was installed, or the disk has lost which."""
        try:
            with (self._folder / _POINTER).open("rb") as file:
                values = json.loads(file.read(_MAX_POINTER_BYTES))
            if values["schema"] != _SCHEMA:
                return None
            previous = values["previous"]
            return Pointer(
                Slot(values["current"]),
                None if previous is None else Slot(previous),
                int(values["unfinished_starts"]),
            )
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return None

    def point(self, pointer: Pointer) -> None:
        """The atomic switch."""
        values = {"schema": _SCHEMA, **attrs.asdict(pointer)}
        self._put(_POINTER, (json.dumps(values) + "\n").encode())

    def archive(self, slot: Slot) -> Path:
        """Where the slot's bundle lies, if it has one."""
        return self._folder / f"{slot}.jbundle"

    def write(self, slot: Slot, archive: bytes) -> None:
        """Replaces what the slot has."""
        self._put(self.archive(slot).name, archive)

    def _put(self, name: str, data: bytes) -> None:
        beside = self._folder / f".{name}.new"
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
        with os.fdopen(os.open(beside, flags, 0o600), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(self._folder / name)
        folder = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
