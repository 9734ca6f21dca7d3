"""Writes a file whole or not at all."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

from host.errors import ConfigError


def write_bytes(path: Path, data: bytes) -> None:
    """Replaces ``path`` in one step: whoever reads it meets the old content or the new.

    A file that was there keeps its permissions.

    Raises:
        ConfigError: its folder is not there, or cannot be written.
    """
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written: {error.strerror or error}") from error
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        Path(name).chmod(_mode(path))
        Path(name).replace(path)
    except OSError as error:
        Path(name).unlink(missing_ok=True)
        raise ConfigError(f"{path}: cannot be written: {error.strerror or error}") from error


def write_text(path: Path, text: str) -> None:
    """The same of text, as UTF-8."""
    write_bytes(path, text.encode())


def check_writable(*paths: Path | None) -> None:
    """Before the work whose result is to be written there; None is skipped.

    Raises:
        ConfigError: a folder is not there, or a path is a folder itself.
    """
    for path in paths:
        if path is not None and (path.is_dir() or not path.parent.is_dir()):
            why = "is a folder" if path.is_dir() else "there is no such folder"
            raise ConfigError(f"{path}: cannot be written: {why}")


def _mode(path: Path) -> int:
    try:
        return stat.S_IMODE(path.stat().st_mode)
    except FileNotFoundError:
        return 0o666 & ~_umask()


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current
