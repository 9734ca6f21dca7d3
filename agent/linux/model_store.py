"""The one model that is being sent, or was: a file of its own, checked before anybody reads it."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import tempfile
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import attrs

from agent.linux.refusal import Refusal
from protocol.errors import ErrorCode
from protocol.messages import MAX_MODEL_NAME_BYTES

_DISK_RESERVE_BYTES = 64 << 20
"""What an upload leaves of the disk: a full one harms more than a model."""
FILE_PREFIX = "model-"
"""Of files that are of no use after their process has ended."""


@contextmanager
def claimed(folder: Path) -> Iterator[int]:
    """Holds ``folder`` for this process; yields how often an agent has started with it.

    What one that was killed left there is deleted.

    Raises:
        OSError: another agent has it, or it cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise OSError(f"{folder}: another agent uses this folder") from error
        for left in folder.glob(f"{FILE_PREFIX}*"):
            left.unlink()
        counter = folder / "boot_count"
        try:
            count = int(counter.read_text()) + 1
        except (FileNotFoundError, ValueError):
            count = 1
        counter.write_text(f"{count}\n")
        yield count


@attrs.frozen
class Announcement:
    """What MODEL_BEGIN says of the bytes."""

    size_bytes: int
    sha256: bytes


class ModelStore:
    """Receives models into ``folder``, one at a time; ``limit_bytes`` bounds each."""

    def __init__(self, folder: Path, limit_bytes: int) -> None:
        self._folder = folder
        self.limit_bytes = limit_bytes
        self._announced: Announcement | None = None
        self._file: BinaryIO | None = None
        self._path: Path | None = None
        self._digest = hashlib.sha256()
        self.next_offset = 0

    def begin(self, announced: Announcement) -> bool:
        """Makes ready for a model; goes on with the same one. Returns whether it is another.

        Raises:
            Refusal: it is too large; nothing was changed.
        """
        if announced == self._announced:
            return False
        available = min(self.limit_bytes, self._disk_left_bytes())
        if announced.size_bytes > available:
            raise Refusal(
                ErrorCode.MODEL_TOO_LARGE, needed=announced.size_bytes, available=available
            )
        self.clear()
        try:
            number, name = tempfile.mkstemp(dir=self._folder, prefix=FILE_PREFIX)
        except OSError as error:
            raise Refusal(ErrorCode.STORE_FAULT, str(error)) from error
        self._file, self._path, self._announced = os.fdopen(number, "wb"), Path(name), announced
        return True

    def write(self, offset: int, data: bytes) -> int:
        """Stores ``data`` where it is the next that is missing; returns the offset expected next.

        Raises:
            Refusal: nothing was announced, it is more than was, or the disk fails.
        """
        if self._announced is None:
            raise Refusal(ErrorCode.NO_UPLOAD)
        if offset == self.next_offset:
            left = self._announced.size_bytes - offset
            if len(data) > left:
                raise Refusal(ErrorCode.BAD_RANGE, needed=len(data), available=left)
            if data:
                self._append(data)
        return self.next_offset

    def finish(self) -> Path:
        """The file of the whole model, its hash checked.

        Raises:
            Refusal: bytes are missing, or are not those that were announced.
        """
        if self._announced is None or self._path is None:
            raise Refusal(ErrorCode.NO_UPLOAD)
        if self.next_offset != self._announced.size_bytes:
            raise Refusal(
                ErrorCode.BAD_RANGE, needed=self._announced.size_bytes, available=self.next_offset
            )
        if self._digest.digest() != self._announced.sha256:
            self.clear()
            raise Refusal(ErrorCode.MODEL_HASH)
        if self._file is not None:
            self._file.close()
            self._file = None
        return self._path

    def clear(self) -> None:
        """Deletes what is there."""
        if self._file is not None:
            self._file.close()
        if self._path is not None:
            self._path.unlink(missing_ok=True)
        self._file = self._path = self._announced = None
        self._digest = hashlib.sha256()
        self.next_offset = 0

    def _append(self, data: bytes) -> None:
        assert self._file is not None  # closed only when every byte is there
        try:
            self._file.write(data)
            self._file.flush()
        except OSError as error:
            self.clear()
            raise Refusal(ErrorCode.STORE_FAULT, str(error)) from error
        self._digest.update(data)
        self.next_offset += len(data)

    def _disk_left_bytes(self) -> int:
        """Room once the present model is gone."""
        free = shutil.disk_usage(self._folder).free + self.next_offset
        return max(0, free - _DISK_RESERVE_BYTES)


def checked_name(raw: bytes) -> str:
    """The label a model goes by in logs. Raises Refusal for what is no mere label."""
    if not 0 < len(raw) <= MAX_MODEL_NAME_BYTES:
        raise Refusal(ErrorCode.MODEL_NAME)
    try:
        name = raw.decode()
    except UnicodeDecodeError as error:
        raise Refusal(ErrorCode.MODEL_NAME) from error
    if set(name) & {"/", "\\"} or not name.strip("."):
        raise Refusal(ErrorCode.MODEL_NAME)
    if any(unicodedata.category(character).startswith("C") for character in name):
        raise Refusal(ErrorCode.MODEL_NAME)
    return name
