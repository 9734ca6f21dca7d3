"""A bundle in which any one byte was changed: refused at install and at launch."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import pytest

from agent.linux.bundles.slots import Slot
from host.bundle.opened import open_bundle
from host.errors import ConfigError
from protocol.bundle import BundleError, Stage, pack, unpack
from protocol.bundle.contents import MANIFEST_NAME, SIGNATURE_NAME
from protocol.bundle.signing import SigningKey
from tests.support.bundles import Desk, sample_archive

TRIALS = 1000
_PARTS = 4
"""Of the trials, so that several processes can share them."""
_STAGES = {
    MANIFEST_NAME: {Stage.PARSE, Stage.SIGNATURE},
    SIGNATURE_NAME: {Stage.SIGNATURE},
    "model.plan": {Stage.HASHES},
}
"""Where a change can be noticed. The archive itself is whole: who alters it packs it again."""


def _altered(archive: bytes, trial: int) -> tuple[str, bytes]:
    """The name of a file, and the archive with one of its bytes changed."""
    generator = random.Random(trial)
    contents = dict(unpack(archive))
    name = list(_STAGES)[trial % len(_STAGES)]
    data = bytearray(contents[name])
    data[generator.randrange(len(data))] ^= generator.randrange(1, 256)
    contents[name] = bytes(data)
    return name, pack(contents)


@pytest.mark.parametrize("part", range(_PARTS))
def test_one_byte_of_a_thousand_bundles(tmp_path: Path, part: int) -> None:
    """With the agent's own code and the real runtime: each time the old bundle runs on."""
    key = SigningKey.generate()
    desk = Desk.make(tmp_path, key)
    public = tmp_path / "key.pub"
    public.write_bytes(key.public.to_pem())
    old = desk.install(sample_archive(key, "old"))
    new = sample_archive(key, "new")
    desk.install(new)
    installed = (desk.folder / "current").read_bytes()
    met: Counter[tuple[str, Stage]] = Counter()
    for trial in range(part * TRIALS // _PARTS, (part + 1) * TRIALS // _PARTS):
        name, archive = _altered(new, trial)
        file = tmp_path / "altered.jbundle"
        file.write_bytes(archive)
        with pytest.raises(ConfigError, match=r"refused at (parse|signature|hashes): .+"):
            open_bundle(file, [public])
        with pytest.raises(BundleError) as refused:
            desk.check(archive)
        assert refused.value.stage in _STAGES[name]
        met[name, refused.value.stage] += 1

        # In the slot that runs: as a disk that rots, or somebody who can write to it.
        desk.slot_file(Slot.B).write_bytes(archive)
        (desk.folder / "current").write_bytes(installed)
        launched = desk.launch()
        assert launched is not None
        assert launched.bundle.id == old
        assert launched.note == f"slot b: {refused.value}"
    assert {name for name, _ in met} == set(_STAGES)


def test_any_byte_of_the_archive(tmp_path: Path) -> None:
    """Headers too, in all of the file: what is read is refused, or is not read at all."""
    key = SigningKey.generate()
    desk = Desk.make(tmp_path, key)
    archive = sample_archive(key)
    for trial in range(TRIALS):
        generator = random.Random(trial)
        altered = bytearray(archive)
        altered[generator.randrange(len(altered))] ^= generator.randrange(1, 256)
        with pytest.raises(BundleError):
            desk.check(bytes(altered))


def test_an_install_that_is_refused_leaves_the_old_one_running(tmp_path: Path) -> None:
    key = SigningKey.generate()
    desk = Desk.make(tmp_path, key)
    old = desk.install(sample_archive(key, "old"))
    before = {path.name: path.read_bytes() for path in desk.folder.iterdir()}
    new = sample_archive(key, "new")
    for trial in range(9):
        with pytest.raises(BundleError):
            desk.install(_altered(new, trial)[1])
        launched = desk.launch()
        assert launched is not None
        assert launched.bundle.id == old
    assert {path.name: path.read_bytes() for path in desk.folder.iterdir()} == before
