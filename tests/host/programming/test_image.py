"""Image files, against what objcopy makes of the same bytes and the UF2 text's own layout."""

from __future__ import annotations

import struct
import subprocess
from pathlib import Path

import pytest

from host.errors import BoardError, ConfigError
from host.programming import uf2
from host.programming.image import Image, read_image, write_image, write_with_plan
from protocol.errors import ErrorCode

FIRMWARE = bytes(range(256)) * 3 + b"end"
RP2040_FAMILY = 0xE48BFF56


def hex_file(folder: Path, content: bytes, address: int = 0) -> Path:
    """Intel HEX as binutils write it."""
    flat, path = folder / "flat.bin", folder / "firmware.hex"
    flat.write_bytes(content)
    subprocess.run(
        ["objcopy", "-I", "binary", "-O", "ihex", f"--change-addresses={address}", flat, path],
        check=True,
    )
    return path


def flat_of(path: Path) -> bytes:
    """What binutils read from Intel HEX."""
    flat = path.with_suffix(".read")
    subprocess.run(["objcopy", "-I", "ihex", "-O", "binary", path, flat], check=True)
    return flat.read_bytes()


def test_reads_intel_hex(tmp_path: Path) -> None:
    assert read_image(hex_file(tmp_path, FIRMWARE, 0x7E00)) == Image(0x7E00, FIRMWARE)


def test_gaps_in_intel_hex_read_as_erased_flash(tmp_path: Path) -> None:
    path = tmp_path / "gap.hex"
    path.write_text(":0100000011EE\n:0100040022D9\n:00000001FF\n")
    assert read_image(path) == Image(0, b"\x11\xff\xff\xff\x22")


def test_a_plan_begins_where_the_agent_looks_for_it(tmp_path: Path) -> None:
    """At the next multiple of 16 bytes behind the firmware; the file stays Intel HEX."""
    merged = tmp_path / "merged.hex"
    size = write_with_plan(hex_file(tmp_path, FIRMWARE), b"plan", merged)
    content = flat_of(merged)
    assert size == len(content) == 784 + 4
    assert content == FIRMWARE + b"\xff" * 13 + b"plan"


def test_a_plan_behind_a_uf2_image(tmp_path: Path) -> None:
    firmware, merged = tmp_path / "a.uf2", tmp_path / "b.uf2"
    firmware.write_bytes(uf2.encode(0x10000000, FIRMWARE, RP2040_FAMILY))
    write_with_plan(firmware, b"plan", merged)
    image = read_image(merged)
    assert image.address == 0x10000000
    assert image.data[1024:1028] == b"plan"
    assert uf2.family_of(merged.read_bytes()) == RP2040_FAMILY


def test_too_large_says_by_how_much(tmp_path: Path) -> None:
    merged = tmp_path / "merged.hex"
    firmware = hex_file(tmp_path, FIRMWARE)
    write_with_plan(firmware, bytes(16), merged, limit_bytes=800)
    with pytest.raises(BoardError, match=r"together 1 bytes too large .* \(800 bytes\)") as caught:
        write_with_plan(firmware, bytes(17), merged, limit_bytes=800)
    assert (caught.value.code, caught.value.needed, caught.value.available) == (
        ErrorCode.STORE_TOO_SMALL,
        801,
        800,
    )


def test_uf2_blocks_are_laid_out_as_published() -> None:
    """github.com/microsoft/uf2, "File format": offsets of a block's fields."""
    content = uf2.encode(0x10000000, bytes(300), RP2040_FAMILY)
    assert len(content) == 2 * 512
    for index in range(2):
        block = content[512 * index :][:512]
        assert struct.unpack_from("<8I", block) == (
            *(0x0A324655, 0x9E5D5157, 0x00002000, 0x10000000 + 256 * index),
            *(256, index, 2, RP2040_FAMILY),
        )
        assert struct.unpack_from("<I", block, 508) == (0x0AB16F30,)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b":0100000011EF\n", "(?i)checksum"),
        (b":00000001FF\n", "without data"),
        (uf2.encode(0, bytes(600), 1)[:-1], "blocks of 512 bytes"),
        (uf2.encode(0, bytes(600), 1)[512:], "UF2 block 0 says it is 1 of 3"),
        (b"UF2\n" + bytes(508), "not a UF2 block"),
    ],
    ids=["empty", "checksum", "no-data", "cut", "first-block-missing", "no-block"],
)
def test_broken_files_are_named(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "broken"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=message) as caught:
        read_image(path)
    assert str(caught.value).startswith(f"{path}: ")


def test_a_flat_image_stays_flat(tmp_path: Path) -> None:
    flat, target = tmp_path / "a.bin", tmp_path / "b.bin"
    flat.write_bytes(FIRMWARE)
    image = read_image(flat, flat_address=0x08000000)
    assert image.address == 0x08000000
    write_image(image, target, flat)
    assert target.read_bytes() == FIRMWARE
