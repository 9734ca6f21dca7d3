"""The container: one archive of the same files, and nothing else is read."""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import random
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.bundle import BundleError, Stage, pack, read_contents, read_file, unpack
from protocol.bundle.contents import FILE_NAME, MAX_FILES

FILES = {"manifest.json": b"{}", "manifest.sig": bytes(64), "model.plan": bytes(range(200))}
ARCHIVE = pack(FILES)
_FILE_MODE = 0o100644 << 16


def zipped(*entries: tuple[str, bytes], **changes: object) -> bytes:
    """An archive by Python's zipfile; ``changes`` are attributes of its last entry."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in entries:
            entry = zipfile.ZipInfo(name)
            entry.create_system = 3
            entry.external_attr = _FILE_MODE
            if name == entries[-1][0]:
                for attribute, value in changes.items():
                    setattr(entry, attribute, value)
            archive.writestr(entry, data)
    return buffer.getvalue()


def refused_at(stage: Stage, reason: str, read: Callable[[], object]) -> None:
    with pytest.raises(BundleError) as refused:
        read()
    assert refused.value.stage == stage
    assert reason in refused.value.reason


def test_archive_is_the_same_on_every_python() -> None:
    """The digest was taken on Python 3.11; of the form that SPEC.md describes."""
    digest = hashlib.sha256(ARCHIVE).hexdigest()
    assert digest == "2a7c85a27606a56c3c41fcfca6aa62bd0e9e4b0d9d0b8f140103cdaa544a5e0e"
    assert unpack(ARCHIVE) == FILES
    assert list(unpack(pack(dict(reversed(FILES.items()))))) == list(FILES)


def test_any_unzip_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "sample.jbundle"
    path.write_bytes(ARCHIVE)
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        assert {name: archive.read(name) for name in archive.namelist()} == FILES


_NAMES = st.from_regex(FILE_NAME, fullmatch=True)


@given(st.dictionaries(_NAMES, st.binary(max_size=64), max_size=MAX_FILES))
def test_what_is_packed_is_unpacked(files: dict[str, bytes]) -> None:
    if len({name.lower() for name in files}) < len(files):
        refused_at(Stage.PARSE, "twice", lambda: unpack(pack(files)))
    else:
        assert unpack(pack(files)) == files


@given(st.binary(max_size=300))
def test_no_bytes_do_more_than_be_refused(data: bytes) -> None:
    refused_at(Stage.PARSE, "", lambda: unpack(data))


@given(st.data())
def test_no_change_to_an_archive_does_more_than_be_refused(data: st.DataObject) -> None:
    """Bytes replaced, inserted, left out or doubled, anywhere."""
    begin = data.draw(st.integers(0, len(ARCHIVE)))
    end = data.draw(st.integers(begin, min(len(ARCHIVE), begin + 40)))
    changed = ARCHIVE[:begin] + data.draw(st.binary(max_size=40)) + ARCHIVE[end:]
    if changed == ARCHIVE:
        return
    try:
        contents = unpack(changed)
    except BundleError:
        return
    assert contents != FILES, "two archives of the same files"


def test_no_single_byte_of_an_archive_may_change() -> None:
    """Headers too: what is read is then other content, which has another hash."""
    generator = random.Random(0)
    for offset in range(len(ARCHIVE)):
        changed = bytearray(ARCHIVE)
        changed[offset] ^= generator.randrange(1, 256)
        with contextlib.suppress(BundleError):
            assert unpack(bytes(changed)) != FILES


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "not a readable zip archive"),
        (ARCHIVE[:-1], "not a readable zip archive"),
        (ARCHIVE + b"x", "one form"),
        (b"MZ" + ARCHIVE, "one form"),
        (zipped(("../escape", b"x")), "no file name"),
        (zipped(("/etc/passwd", b"x")), "no file name"),
        (zipped(("a/b", b"x")), "no file name"),
        (zipped(("a\\b", b"x")), "no file name"),
        (zipped(("C:evil", b"x")), "no file name"),
        (zipped((".hidden", b"x")), "no file name"),
        (zipped(("..", b"x")), "no file name"),
        (zipped(("a\n", b"x")), "no file name"),
        (zipped(("nach\u00e4ffer", b"x")), "no file name"),
        (zipped(("a" * 65, b"x")), "no file name"),
        (zipped(("folder/", b"")), "no file name"),
        (zipped(("A.plan", b"1"), ("a.plan", b"2")), "twice"),
        (zipped(("link", b"/etc/passwd"), external_attr=0o120777 << 16), "symbolic link"),
        (zipped(("pipe", b""), external_attr=0o010644 << 16), "no plain file"),
        (zipped(("run", b""), external_attr=0o100755 << 16), "no plain file"),
        (zipped(("bomb", bytes(1 << 20)), compress_type=zipfile.ZIP_DEFLATED), "compressed"),
        (zipped(("bomb", bytes(1 << 20)), compress_type=zipfile.ZIP_LZMA), "compressed"),
        (zipped(("dated", b"x"), date_time=(2026, 1, 1, 0, 0, 0)), "one form"),
        (zipped(("noted", b"x"), comment=b"hello"), "one form"),
        (zipped(("extra", b"x"), extra=b"\x99\x99\x01\0x"), "one form"),
        (zipped(*((f"f{i}", b"") for i in range(MAX_FILES + 1))), "17 files"),
    ],
)
def test_hostile_archives_are_refused_with_the_reason(data: bytes, reason: str) -> None:
    refused_at(Stage.PARSE, reason, lambda: unpack(data))


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_the_same_name_twice_is_refused() -> None:
    refused_at(Stage.PARSE, "twice", lambda: unpack(zipped(("a", b"1"), ("a", b"2"))))


def test_encrypted_and_lying_entries_are_refused() -> None:
    flagged = bytearray(zipped(("a", b"data")))
    central = flagged.index(b"PK\x01\x02")
    flagged[central + 8] |= 1
    refused_at(Stage.PARSE, "flags 0x1", lambda: unpack(bytes(flagged)))
    lying = bytearray(zipped(("a", b"data")))
    lying[central + 20 : central + 28] = (0x7FFFFFFF).to_bytes(4, "little") * 2
    refused_at(Stage.PARSE, "are not there", lambda: unpack(bytes(lying)))


def test_a_folder_is_read_as_its_archive(tmp_path: Path) -> None:
    for name, data in FILES.items():
        (tmp_path / name).write_bytes(data)
    assert read_contents(tmp_path) == FILES
    archive = tmp_path.with_suffix(".jbundle")
    archive.write_bytes(ARCHIVE)
    assert read_contents(archive) == FILES


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda path: path.symlink_to("/etc/passwd"), "symbolic link"),
        (os.mkfifo, "no plain file"),
        (lambda path: path.mkdir(), "no plain file"),
    ],
    ids=["link", "pipe", "folder"],
)
def test_what_is_no_plain_file_is_refused(
    tmp_path: Path, make: Callable[[Path], None], reason: str
) -> None:
    folder = tmp_path / "bundle"
    folder.mkdir()
    make(folder / "entry")
    refused_at(Stage.PARSE, reason, lambda: read_contents(folder))
    if (folder / "entry").is_dir():
        return
    refused_at(Stage.PARSE, reason, lambda: read_file(folder / "entry"))


def test_sizes_are_bounded(tmp_path: Path) -> None:
    path = tmp_path / "large"
    with path.open("wb") as file:
        file.truncate(1 << 40)  # of which nothing takes room
    refused_at(Stage.SIZES, "allowed", lambda: read_file(path, 1 << 16))
    refused_at(Stage.SIZES, "allowed", lambda: read_contents(tmp_path, 1 << 16))
