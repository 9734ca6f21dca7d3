"""Flashing by copying: folders that look like the drive of an RP2040's boot ROM."""

from __future__ import annotations

from pathlib import Path

import pytest

import devices
from host.errors import ConfigError, LinkError
from host.programming import uf2
from host.programming.find import find_programmer
from host.programming.uf2_drive import Uf2Drive, mounted_volumes

# As the boot ROM has it: RP2040 data sheet, section 2.8.3.
INFO = "UF2 Bootloader v3.0\r\nModel: Raspberry Pi RP2\r\nBoard-ID: RPI-RP2\r\n"
FAMILY = 0xE48BFF56


def drive(folder: Path, info: str = INFO) -> Path:
    folder.mkdir()
    (folder / "INFO_UF2.TXT").write_bytes(info.encode("ascii"))
    return folder


def programmer(*volumes: Path) -> Uf2Drive:
    known = find_programmer(devices.load("pico"))
    assert isinstance(known, Uf2Drive)
    return Uf2Drive(known.board_id, known.family, known.how_to_enter, lambda: volumes)


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "pico.uf2"
    path.write_bytes(uf2.encode(0x10000000, b"firmware" * 100, FAMILY))
    return path


def test_copies_the_image_to_the_one_drive_among_the_volumes(tmp_path: Path, image: Path) -> None:
    (tmp_path / "stick").mkdir()
    other = drive(tmp_path / "feather", INFO.replace("RPI-RP2", "SAMD51-Feather"))
    pico = drive(tmp_path / "RPI-RP2")
    tool = programmer(tmp_path / "stick", other, pico)
    assert tool.missing() is None
    assert not tool.holds(image, None)
    tool.program(image, None)
    assert (pico / "pico.uf2").read_bytes() == image.read_bytes()
    assert not (other / "pico.uf2").exists()


def test_a_port_may_name_the_drive(tmp_path: Path, image: Path) -> None:
    first, second = drive(tmp_path / "one"), drive(tmp_path / "two")
    tool = programmer(first, second)
    with pytest.raises(ConfigError, match="several RPI-RP2 drives") as caught:
        tool.program(image, None)
    assert caught.value.hint == "name the one that is meant with --port"
    tool.program(image, str(second))
    assert (second / "pico.uf2").exists()
    assert not (first / "pico.uf2").exists()


def test_without_a_drive_it_says_how_to_make_one_appear(tmp_path: Path, image: Path) -> None:
    with pytest.raises(LinkError, match="no RPI-RP2 drive is mounted") as caught:
        programmer().program(image, "/dev/ttyACM0")
    assert caught.value.hint is not None
    assert caught.value.hint.startswith("hold the Pico's BOOTSEL button while plugging it in")


def test_a_drive_that_takes_nothing(tmp_path: Path, image: Path) -> None:
    full = drive(tmp_path / "full")
    (full / "pico.uf2").symlink_to("/dev/full")
    with pytest.raises(LinkError, match=r"pico\.uf2: No space left on device"):
        programmer(full).program(image, None)


def test_a_drive_that_goes_with_the_last_block_is_no_failure(tmp_path: Path, image: Path) -> None:
    """The boot ROM restarts at once: the file cannot always be closed."""
    pico = drive(tmp_path / "RPI-RP2")
    (pico / "pico.uf2").symlink_to("/dev/full")
    tool = programmer(pico)

    class Restarting(type(pico)):  # the info file is read once, then the drive is gone
        def __truediv__(self, name: object) -> Path:
            path = Path(self) / str(name)
            if name == "pico.uf2":
                (Path(self) / "INFO_UF2.TXT").unlink()
            return path

    Uf2Drive(tool.board_id, tool.family, tool.how_to_enter, lambda: [Restarting(pico)]).program(
        image, None
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (uf2.encode(0x2000, b"x", 0x68ED2B88), "family id 0x68ed2b88, and this board takes 0xe4"),
        (b"flat", "a UF2 file is made of blocks of 512 bytes"),
    ],
    ids=["other-part", "flat"],
)
def test_unfit_images_do_not_reach_the_drive(tmp_path: Path, content: bytes, message: str) -> None:
    pico = drive(tmp_path / "RPI-RP2")
    image = tmp_path / "image.uf2"
    image.write_bytes(content)
    with pytest.raises(ConfigError, match=message):
        programmer(pico).program(image, None)
    assert not (pico / "image.uf2").exists()


def test_looks_at_this_machines_volumes() -> None:
    assert all(path.is_absolute() for path in mounted_volumes())
