"""A bundle's container: a folder, or a zip archive that has one form alone.

Of the same files there is exactly one archive: the manifest first, its signature second, the rest
by name, nothing compressed, one date, no comment and no extra field. What is read is packed again
and must be the same bytes, so that nothing can hide where two readers of zip files disagree, and
nothing is larger unpacked than packed.
"""

from __future__ import annotations

import io
import os
import re
import stat
import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path

from protocol.bundle.errors import BundleError, Stage

MANIFEST_NAME = "manifest.json"
SIGNATURE_NAME = "manifest.sig"
MAX_FILES = 16
MAX_BUNDLE_BYTES = 1 << 30
"""By default; an agent has its own limit."""

Contents = Mapping[str, bytes]
"""Files by name, manifest and signature among them."""

FILE_NAME = r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}"
"""Flat, and a name on every file system: no folders, so no way out of one."""
_IS_FILE_NAME = re.compile(FILE_NAME)
_REGULAR_FILE = stat.S_IFREG | 0o644
_DOS_EPOCH = (1980, 1, 1, 0, 0, 0)
_UNIX = 3


def read_contents(path: Path, max_bytes: int = MAX_BUNDLE_BYTES) -> Contents:
    """Reads a folder or an archive.

    Raises:
        BundleError: it is neither, or not of the form that it must have.
        OSError: it cannot be read.
    """
    return _read_folder(path, max_bytes) if path.is_dir() else unpack(read_file(path, max_bytes))


def read_file(path: Path, max_bytes: int = MAX_BUNDLE_BYTES) -> bytes:
    """The bytes of a plain file; links are not followed, devices and pipes are not read.

    Raises:
        BundleError: it is no plain file, or a larger one.
        OSError: it cannot be read.
    """
    mode = path.lstat().st_mode
    if not stat.S_ISREG(mode):
        kind = "a symbolic link" if stat.S_ISLNK(mode) else "no plain file"
        raise _refused(f"{path.name} is {kind}")
    number = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with os.fdopen(number, "rb") as file:
        if not stat.S_ISREG(os.fstat(number).st_mode):
            raise _refused(f"{path.name} is no plain file")
        data = file.read(max_bytes + 1)
    if len(data) > max_bytes:
        raise BundleError(Stage.SIZES, f"{path.name}: more than the {max_bytes:,} bytes allowed")
    return data


def pack(contents: Contents) -> bytes:
    """The one archive of these files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED, allowZip64=False) as archive:
        for name in sorted(contents, key=_order):
            entry = zipfile.ZipInfo(name, _DOS_EPOCH)
            entry.create_system = _UNIX
            entry.external_attr = _REGULAR_FILE << 16
            archive.writestr(entry, contents[name])
    return buffer.getvalue()


def unpack(data: bytes) -> Contents:
    """Reads an archive.

    Raises:
        BundleError: it is none, or not the one that :func:`pack` makes of its files.
    """
    try:
        contents = _unzip(data)
        is_canonical = pack(contents) == data
    except (
        zipfile.BadZipFile,
        zipfile.LargeZipFile,
        EOFError,
        NotImplementedError,
        OSError,
        OverflowError,
        RuntimeError,
        ValueError,
        struct.error,
    ) as error:
        if isinstance(error, BundleError):
            raise
        raise _refused(f"not a readable zip archive ({error})") from error
    if not is_canonical:
        raise _refused("the archive is not in the one form that a bundle has: pack it again")
    return contents


def _unzip(data: bytes) -> Contents:
    contents: dict[str, bytes] = {}
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        entries = archive.infolist()
        if len(entries) > MAX_FILES:
            raise _refused(f"{len(entries)} files, {MAX_FILES} at most")
        _check_names([entry.filename for entry in entries])
        for entry in entries:
            _check_entry(entry, len(data))
        for entry in entries:
            contents[entry.filename] = archive.read(entry)
    return contents


def _check_entry(entry: zipfile.ZipInfo, archive_bytes: int) -> None:
    mode = entry.external_attr >> 16
    if stat.S_ISLNK(mode):
        raise _refused(f"{entry.filename} is a symbolic link")
    if mode != _REGULAR_FILE:
        raise _refused(f"{entry.filename} is no plain file (mode {mode:o})")
    if entry.compress_type != zipfile.ZIP_STORED:
        raise _refused(f"{entry.filename} is compressed: entries of a bundle are stored")
    if entry.flag_bits:
        raise _refused(f"{entry.filename} has flags 0x{entry.flag_bits:x}: encrypted or streamed")
    if entry.file_size != entry.compress_size or entry.file_size > archive_bytes:
        raise _refused(f"{entry.filename} claims {entry.file_size:,} bytes, which are not there")


def _check_names(names: list[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if not _IS_FILE_NAME.fullmatch(name):
            raise _refused(f"{name[:80]!r} is no file name of a bundle (letters, digits, . _ -)")
        if name.lower() in seen:
            raise _refused(f"{name} is there twice")
        seen.add(name.lower())


def _read_folder(folder: Path, max_bytes: int) -> Contents:
    names = sorted(entry.name for entry in os.scandir(folder))
    if len(names) > MAX_FILES:
        raise _refused(f"{len(names)} files, {MAX_FILES} at most")
    _check_names(names)
    contents: dict[str, bytes] = {}
    for name in names:
        contents[name] = read_file(folder / name, max_bytes)
        max_bytes -= len(contents[name])
    return contents


def _order(name: str) -> tuple[int, str]:
    first = {MANIFEST_NAME: 0, SIGNATURE_NAME: 1}
    return first.get(name, len(first)), name


def _refused(reason: str) -> BundleError:
    return BundleError(Stage.PARSE, reason)
