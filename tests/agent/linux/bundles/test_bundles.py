"""Install, launch, and the way back: with the real runtime as a process for each model."""

from __future__ import annotations

import attrs
import pytest

from agent.linux.bundles.slots import Pointer, Slot, Slots
from protocol.bundle import BundleError, Manifest, Stage, pack, unpack
from protocol.bundle.signing import SigningKey
from tests.support.bundles import (
    Desk,
    entries,
    manifest_id,
    sample_archive,
    sample_manifest,
    signed,
)


def _pointer(desk: Desk) -> Pointer | None:
    slots = Slots(desk.folder)
    try:
        return slots.pointer()
    finally:
        slots.close()


def _point(desk: Desk, pointer: Pointer) -> None:
    slots = Slots(desk.folder)
    slots.point(pointer)
    slots.close()


def _archive(desk: Desk, manifest: Manifest) -> bytes:
    return pack(signed(manifest, desk.key))


def _wrong_answer(desk: Desk, name: str = "wrong") -> bytes:
    """Signed and whole, but its model does not answer as its vectors say."""
    manifest = sample_manifest(desk.key, name)
    vector = manifest.self_test.vectors[1]
    wrong = attrs.evolve(vector, output_crc32=vector.output_crc32 ^ 1)
    test = attrs.evolve(manifest.self_test, vectors=(manifest.self_test.vectors[0], wrong))
    return _archive(desk, attrs.evolve(manifest, self_test=test))


def _refused(desk: Desk, archive: bytes, stage: Stage, reason: str) -> None:
    with pytest.raises(BundleError) as error:
        desk.install(archive)
    assert error.value.stage == stage
    assert reason in error.value.reason


def test_nothing_is_launched_where_nothing_is_installed(desk: Desk) -> None:
    assert desk.launch() is None


def test_slots_take_turns(desk: Desk) -> None:
    archives = [sample_archive(desk.key, name) for name in ("one", "two", "three")]
    for archive, slot in zip(archives, (Slot.A, Slot.B, Slot.A), strict=True):
        identity = desk.install(archive)
        assert identity == manifest_id(unpack(archive))
        assert desk.slot_file(slot).read_bytes() == archive
        launched = desk.launch()
        assert launched is not None
        assert (launched.slot, launched.bundle.id, launched.note) == (slot, identity, None)
    assert _pointer(desk) == Pointer(Slot.A, Slot.B)


def test_what_is_refused_changes_nothing(desk: Desk, key: SigningKey) -> None:
    good = sample_archive(key)
    identity = desk.install(good)
    before = {path.name: path.read_bytes() for path in desk.folder.iterdir()}
    manifest = sample_manifest(key)
    stranger = SigningKey.generate()
    other_board = attrs.evolve(manifest, requires=attrs.evolve(manifest.requires, board="pico"))
    _refused(desk, good[:-1], Stage.PARSE, "zip")
    _refused(desk, sample_archive(stranger), Stage.SIGNATURE, "not trusted")
    _refused(desk, _archive(desk, other_board), Stage.COMPATIBILITY, "pico")
    _refused(desk, _wrong_answer(desk), Stage.SELF_TEST, "vector 1 (seed 7)")
    assert {path.name: path.read_bytes() for path in desk.folder.iterdir()} == before
    launched = desk.launch()
    assert launched is not None
    assert launched.bundle.id == identity


def test_a_model_that_the_engine_refuses_fails_the_self_test(desk: Desk) -> None:
    manifest = sample_manifest(desk.key)
    files = {"model.plan": b"JPLN" + bytes(60), "target.json": b"{}"}
    archive = pack(signed(attrs.evolve(manifest, files=entries(files)), desk.key, files))
    _refused(desk, archive, Stage.SELF_TEST, "PLAN_")


def test_inputs_that_were_not_meant_fail_the_self_test(desk: Desk) -> None:
    manifest = sample_manifest(desk.key)
    vector = attrs.evolve(manifest.self_test.vectors[0], seed=99)
    test = attrs.evolve(manifest.self_test, vectors=(vector,))
    archive = _archive(desk, attrs.evolve(manifest, self_test=test))
    _refused(desk, archive, Stage.SELF_TEST, "drew an input")


def _rolled_back(desk: Desk, old: str, reason: str) -> None:
    launched = desk.launch()
    assert launched is not None
    assert launched.bundle.id == old
    assert reason in (launched.note or "")
    again = desk.launch()
    assert again is not None
    assert (again.bundle.id, again.note) == (old, None), "the way back is for good"


def test_a_slot_that_rots_is_rolled_back(desk: Desk) -> None:
    old = desk.install(sample_archive(desk.key, "old"))
    desk.install(sample_archive(desk.key, "new"))
    path = desk.slot_file(Slot.B)
    path.write_bytes(path.read_bytes()[:-100])
    _rolled_back(desk, old, "slot b: parse")


def test_a_slot_that_is_gone_is_rolled_back(desk: Desk) -> None:
    old = desk.install(sample_archive(desk.key, "old"))
    desk.install(sample_archive(desk.key, "new"))
    desk.slot_file(Slot.B).unlink()
    _rolled_back(desk, old, "cannot be read")


def test_a_health_check_that_fails_at_a_start_is_rolled_back(desk: Desk) -> None:
    """As of a bundle that passed on this board and no longer does."""
    old = desk.install(sample_archive(desk.key, "old"))
    desk.install(sample_archive(desk.key, "new"))
    desk.slot_file(Slot.B).write_bytes(_wrong_answer(desk))
    _rolled_back(desk, old, "slot b: self-test: vector 1")


def test_a_bundle_that_takes_the_board_along_is_rolled_back(desk: Desk) -> None:
    """Two starts that never came to their end: no third is tried."""
    old = desk.install(sample_archive(desk.key, "old"))
    new = desk.install(sample_archive(desk.key, "new"))
    _point(desk, Pointer(Slot.B, Slot.A, unfinished_starts=1))
    launched = desk.launch()
    assert launched is not None
    assert launched.bundle.id == new
    assert _pointer(desk) == Pointer(Slot.B, Slot.A), "it came to its end"
    _point(desk, Pointer(Slot.B, Slot.A, unfinished_starts=2))
    _rolled_back(desk, old, "2 starts did not reach their end")


def test_the_only_bundle_is_always_tried(desk: Desk) -> None:
    identity = desk.install(sample_archive(desk.key))
    _point(desk, Pointer(Slot.A, None, unfinished_starts=9))
    launched = desk.launch()
    assert launched is not None
    assert launched.bundle.id == identity


def test_where_neither_is_fit_the_reason_is_the_current_ones(desk: Desk) -> None:
    desk.install(sample_archive(desk.key, "old"))
    desk.install(sample_archive(desk.key, "new"))
    desk.slot_file(Slot.A).write_bytes(b"rot")
    desk.slot_file(Slot.B).write_bytes(_wrong_answer(desk))
    with pytest.raises(BundleError) as error:
        desk.launch()
    assert error.value.stage == Stage.SELF_TEST
    third = desk.install_over_nothing(sample_archive(desk.key, "third"))
    launched = desk.launch()
    assert launched is not None
    assert launched.bundle.id == third


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"schema": "slots/2"}', b"\xff"])
def test_a_lost_pointer_costs_no_bundle(desk: Desk, content: bytes) -> None:
    installed = {
        desk.install(sample_archive(desk.key, "old")),
        desk.install(sample_archive(desk.key, "new")),
    }
    (desk.folder / "current").write_bytes(content)
    launched = desk.launch()
    assert launched is not None
    assert launched.bundle.id in installed


def test_a_disk_that_takes_nothing_keeps_no_bundle_from_running(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    identity = desk.install(sample_archive(desk.key, "old"))

    def full(*_: object) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(Slots, "_put", full)
    launched = desk.launch()
    assert launched is not None
    assert launched.bundle.id == identity
    with pytest.raises(OSError, match="No space left"):
        desk.install(sample_archive(desk.key, "new"))


def test_two_agents_do_not_share_a_folder(desk: Desk) -> None:
    first = Slots(desk.folder)
    with pytest.raises(OSError, match="another agent"):
        Slots(desk.folder)
    first.close()
    Slots(desk.folder).close()
