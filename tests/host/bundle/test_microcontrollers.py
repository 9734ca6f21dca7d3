"""Bundles of microcontrollers: the image, and the board's own check at its start."""

from __future__ import annotations

import json
from pathlib import Path

import attrs
import pytest

from host.bundle.build import BuiltBundle
from host.bundle.install import Place, install_bundle, launch_bundle
from host.bundle.keys import KeyPair
from host.bundle.microcontroller import Microcontroller
from host.bundle.opened import OpenedBundle, open_bundle
from host.emulators import open_emulator
from host.errors import BoardError, ConfigError, MismatchError
from host.measurement.observer import Silent
from host.programming.image import Image, read_image, write_image
from host.session import Session
from protocol.bundle import Bundle
from protocol.bundle import Image as ImageEntry
from protocol.capabilities import StartCheck
from protocol.errors import ErrorCode
from protocol.messages import Store
from protocol.plan import PLAN_HEADER, PLAN_SELF_TEST
from tests.support.make import BUILD_DIR


@pytest.fixture(params=["pico", "uno"])
def opened(request: pytest.FixtureRequest, keys: KeyPair) -> OpenedBundle:
    built: BuiltBundle = request.getfixturevalue(f"built_for_{request.param}")
    return open_bundle(built.path, [keys.public])


def _board(opened: OpenedBundle) -> str:
    return str(opened.manifest.requires.board)


def _entry(opened: OpenedBundle) -> ImageEntry:
    assert opened.manifest.image is not None
    return opened.manifest.image


def _plan_store(opened: OpenedBundle) -> int:
    """Where it begins: at a fixed place of the Pico, and where the UNO's firmware ends."""
    if _board(opened) == "uno":
        return (BUILD_DIR / "firmware" / "uno" / "uno.bin").stat().st_size
    return 0x10010000  # firmware/ports/rp2040/pico.ld: PLAN_STORE


def _image(opened: OpenedBundle, folder: Path) -> Image:
    file = folder / _entry(opened).file
    file.write_bytes(opened.bundle.files[file.name])
    return read_image(file)


def _with_image(opened: OpenedBundle, image: Image, folder: Path) -> OpenedBundle:
    """The bundle with another image, as if that had been signed."""
    like = folder / _entry(opened).file
    file = like.with_stem("other")
    write_image(image, file, like)
    files = {**opened.bundle.files, like.name: file.read_bytes()}
    bundle = Bundle(opened.manifest, files, opened.bundle.id)
    return attrs.evolve(opened, bundle=bundle)


def _changed(image: Image, address: int) -> Image:
    data = bytearray(image.data)
    data[address - image.address] ^= 1
    return Image(image.address, bytes(data))


def test_the_image_is_firmware_plan_and_record(opened: OpenedBundle, tmp_path: Path) -> None:
    image, plan = _image(opened, tmp_path), opened.bundle.weights
    begin = _entry(opened).plan_address - image.address
    assert _entry(opened).plan_address == _plan_store(opened)
    assert image.data[begin : begin + len(plan)] == plan
    record = PLAN_SELF_TEST.parse(image.data[begin + len(plan) + -len(plan) % 16 :])
    (vector,) = opened.manifest.self_test.vectors
    assert (record.seed, record.output_crc32) == (vector.seed, vector.output_crc32)
    assert record.plan_crc32 == PLAN_HEADER.parse(plan).crc32


def test_the_board_checks_its_plan_when_it_starts(opened: OpenedBundle) -> None:
    crc32 = PLAN_HEADER.parse(opened.bundle.weights).crc32
    with Microcontroller(opened, None) as target, Session(target.open()) as session:
        board = session.connect()
        assert board.start_check == StartCheck(Store.FLASH, ErrorCode.OK, crc32)
        (vector,) = opened.manifest.self_test.vectors
        with session.lease():
            result = session.run(1, macs=5000, source=1, seed=vector.seed)
        assert result.output_crc32 == vector.output_crc32


def test_install_and_launch(opened: OpenedBundle) -> None:
    for use in (install_bundle, launch_bundle):
        running = use(opened, Place(), (), Silent())
        assert running.board.board == _board(opened)
        assert running.id == opened.bundle.id
        assert running.slowest_ms is not None
        assert json.dumps(running.to_dict())


def test_a_plan_that_answers_wrongly_at_the_start_is_refused(
    opened: OpenedBundle, tmp_path: Path
) -> None:
    """The record's expected checksum is another: as good as a kernel that computes another."""
    plan = opened.bundle.weights
    at = _entry(opened).plan_address + len(plan) + -len(plan) % 16 + PLAN_SELF_TEST.sizeof() - 1
    altered = _with_image(opened, _changed(_image(opened, tmp_path), at), tmp_path)
    with pytest.raises(MismatchError, match="self-test record"):
        install_bundle(altered, Place(), (), Silent())


def test_a_plan_that_rots_in_flash_is_not_loaded(opened: OpenedBundle, tmp_path: Path) -> None:
    """After the image was checked: the board finds it at its next start."""
    last = _entry(opened).plan_address + len(opened.bundle.weights) - 1
    altered = _changed(_image(opened, tmp_path), last)
    file = tmp_path / "altered.bin"
    file.write_bytes(altered.data)
    link = open_emulator(_board(opened), firmware=file)
    with Microcontroller(opened, None) as target, Session(link) as session:
        target.check(session.connect())
        with session.lease(), pytest.raises(BoardError, match="PLAN_CHECKSUM"):
            target.load(session)


def test_a_board_without_the_plan_is_not_asked_to_erase_anything(opened: OpenedBundle) -> None:
    """PLAN_BEGIN of another plan would erase the one that is there."""
    bare = open_emulator(_board(opened))
    with Microcontroller(opened, None) as target, Session(bare) as session:
        target.check(session.connect())
        with session.lease(), pytest.raises(BoardError, match="does not hold the plan"):
            target.load(session)


def test_an_image_without_the_plan_is_refused(opened: OpenedBundle, tmp_path: Path) -> None:
    begin = _entry(opened).plan_address
    altered = _with_image(opened, _changed(_image(opened, tmp_path), begin), tmp_path)
    with pytest.raises(ConfigError, match="does not hold the plan"):
        Microcontroller(altered, None)


def test_a_bundle_of_linux_has_no_image(built_for_pc: BuiltBundle, keys: KeyPair) -> None:
    opened = open_bundle(built_for_pc.path, [keys.public])
    assert opened.manifest.image is None
    with pytest.raises(ConfigError, match="has no image"):
        Microcontroller(opened, None)


def test_a_folder_is_no_place_for_a_microcontrollers(opened: OpenedBundle, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="boards with Linux"):
        install_bundle(opened, Place(folder=tmp_path), (), Silent())
