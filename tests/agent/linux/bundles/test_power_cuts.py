"""A loss of power at any step of an install: the old bundle runs or the new one, never neither."""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from agent.linux.bundles.slots import Slot
from protocol.bundle import unpack
from protocol.bundle.signing import SigningKey
from tests.support.bundles import Desk, manifest_id, sample_archive
from tests.support.make import ROOT

_STEPS_AT_LEAST = 20


class _Installer:
    """tests/support/killed_install.py as a process."""

    def __init__(self, folder: Path, key: SigningKey, archive: bytes) -> None:
        (folder / "key").write_bytes(key.to_pem())
        (folder / "archive").write_bytes(archive)
        files = [str(folder / name) for name in (".", "key", "archive")]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.killed_install", *files],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._hear() == "ready"

    def install(self, killed_at: int) -> str:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{killed_at}\n")
        self._process.stdin.flush()
        return self._hear()

    def close(self) -> None:
        self._process.communicate(timeout=20)

    def _hear(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()


@pytest.fixture
def installer(tmp_path: Path, key: SigningKey) -> Iterator[_Installer]:
    installer = _Installer(tmp_path, key, sample_archive(key, "new"))
    yield installer
    installer.close()


@pytest.mark.parametrize("is_first", [False, True], ids=["over-another", "the-first"])
def test_a_process_killed_at_any_step(
    desk: Desk, installer: _Installer, tmp_path: Path, is_first: bool
) -> None:
    """SIGKILL: what the process had done stays, what it had not does not come."""
    new = manifest_id(unpack(sample_archive(desk.key, "new")))
    allowed: set[str | None] = {None, new}
    if not is_first:
        desk.install(sample_archive(desk.key, "older"))
        allowed = {desk.install(sample_archive(desk.key, "old")), new}
    desk.folder.mkdir(exist_ok=True)
    shutil.copytree(desk.folder, tmp_path / "before")
    met: dict[str | None, list[str]] = {identity: [] for identity in allowed}
    for step in itertools.count():
        shutil.rmtree(desk.folder)
        shutil.copytree(tmp_path / "before", desk.folder)
        said = installer.install(step)
        launched = desk.launch()
        identity = None if launched is None else launched.bundle.id
        assert identity in allowed, f"neither runs: {said}"
        met[identity].append(said)
        if not said.startswith("killed"):
            assert said == "done"
            assert identity == new
            break
        # What was cut off can be done again.
        if step % 5 == 0:
            assert desk.install(sample_archive(desk.key, "new")) == new
    assert step >= _STEPS_AT_LEAST
    assert all(met.values()), "the switch is not where it was looked for"
    (old,) = allowed - {new}
    assert {"killed 0 before open"} <= set(met[old])
    last_of_old = met[old][-1]
    assert last_of_old.endswith("before replace"), "the rename is the switch"


class _Disk:
    """What a disk may hold after a loss of power, by what was asked of it.

    A file's bytes are there once it was synced, and before that none, half or all of them; a name
    is the file's once its folder was synced, and before that the old file's or the new one's.
    """

    def __init__(self) -> None:
        self.log: list[tuple[Any, ...]] = []

    def states(self, before: dict[str, bytes]) -> Iterator[tuple[str, dict[str, bytes]]]:
        """Every state at every moment, with what was done last."""
        log = tuple(self.log)
        for count in range(len(log) + 1):
            last = " ".join(map(str, log[count - 1][:2])) if count else "nothing"
            for state in self._after(before, log[:count]):
                yield last, state

    def _after(
        self, before: dict[str, bytes], log: Sequence[tuple[Any, ...]]
    ) -> Iterator[dict[str, bytes]]:
        durable = dict(before)
        synced: set[str] = set()
        pending: list[tuple[str, str]] = []
        written: dict[str, bytes] = {}
        for action, *names in log:
            if action == "write":
                written[names[0]] = names[1]
                synced.discard(names[0])
            elif action == "fsync":
                synced.add(names[0])
            elif action == "replace":
                pending.append((names[0], names[1]))
            elif action == "sync folder":
                for source, target in pending:
                    assert source in synced, "renamed before its bytes were on the disk"
                    durable[target] = written[source]
                pending.clear()
        yield durable
        for source, target in pending:
            whole = written[source]
            for content in [whole] if source in synced else [b"", whole[: len(whole) // 2], whole]:
                yield {**durable, target: content}


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> _Disk:
    """Records what this process asks of the disk below a folder named ``bundles``."""
    disk = _Disk()
    names: dict[int, Path] = {}

    def watch(name: str, note: Callable[..., None]) -> None:
        call = getattr(os, name)

        def watched(*arguments: Any, **options: Any) -> Any:
            result = call(*arguments, **options)
            note(result, *arguments)
            return result

        monkeypatch.setattr(os, name, watched)

    def opened(number: int, path: Any, *_: object) -> None:
        names[number] = Path(path)

    def synced(_: None, number: int) -> None:
        path = names[number]
        if path.is_dir():
            disk.log.append(("sync folder",))
            return
        disk.log += [("write", path.name, path.read_bytes()), ("fsync", path.name)]

    def replaced(_: None, source: Any, target: Any) -> None:
        disk.log.append(("replace", Path(source).name, Path(target).name))

    watch("open", opened)
    watch("fsync", synced)
    watch("replace", replaced)
    return disk


def test_a_disk_that_loses_what_was_not_synced(desk: Desk, disk: _Disk) -> None:
    """Worse than SIGKILL: the system's own caches go too."""
    old = desk.install(sample_archive(desk.key, "old"))
    before = {path.name: path.read_bytes() for path in desk.folder.iterdir()}
    disk.log.clear()
    new = desk.install(sample_archive(desk.key, "new"))
    assert [entry[0] for entry in disk.log].count("sync folder") >= 2
    met = set()
    for last, state in disk.states(before):
        shutil.rmtree(desk.folder)
        desk.folder.mkdir()
        for name, data in state.items():
            (desk.folder / name).write_bytes(data)
        launched = desk.launch()
        assert launched is not None, f"neither runs after {last}"
        assert launched.bundle.id in {old, new}
        met.add(launched.bundle.id)
    assert met == {old, new}


def test_a_way_back_that_loses_power(desk: Desk, disk: _Disk) -> None:
    """The launch that finds its bundle rotten: at any moment of it the old one runs next."""
    old = desk.install(sample_archive(desk.key, "old"))
    desk.install(sample_archive(desk.key, "new"))
    desk.slot_file(Slot.B).write_bytes(b"rot")
    before = {path.name: path.read_bytes() for path in desk.folder.iterdir()}
    disk.log.clear()
    assert desk.launch() is not None
    assert ("sync folder",) in disk.log
    for last, state in disk.states(before):
        for name, data in state.items():
            (desk.folder / name).write_bytes(data)
        launched = desk.launch()
        assert launched is not None, f"none runs after {last}"
        assert launched.bundle.id == old
