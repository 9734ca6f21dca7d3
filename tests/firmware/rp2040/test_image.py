"""What the boot ROM and the part demand of the image, and the sizes it has promised to keep."""

from __future__ import annotations

import re
import struct
import subprocess
import zlib
from pathlib import Path

import pytest

from tests.firmware.rp2040.images import PORT, Image
from tests.firmware.shared.images import assert_does_not_link, ram_layout

FLASH_START, FLASH_BYTES = 0x10000000, 2 * 1024 * 1024  # W25Q16JV
RAM_START, RAM_BYTES = 0x20000000, 264 * 1024  # RP2040 datasheet 2.6.2
STAGE_BYTES = 252
VECTOR_TABLE = 0x100
EXCEPTIONS = 16
FLASH_LIMIT_BYTES = 32 * 1024
RAM_LIMIT_BYTES = 8 * 1024


def mirrored(value: int, bits: int) -> int:
    return int(f"{value:0{bits}b}"[::-1], 2)


def test_second_stage_has_the_checksum_the_boot_rom_computes(agent_image: Image) -> None:
    stage = agent_image.file("bin").read_bytes()[:STAGE_BYTES]
    (stored,) = struct.unpack_from("<I", agent_image.file("bin").read_bytes(), STAGE_BYTES)
    # zlib's CRC-32 has the same polynomial with all bits mirrored, and inverts the result.
    reflected = zlib.crc32(bytes(mirrored(byte, 8) for byte in stage)) ^ 0xFFFFFFFF
    assert stored == mirrored(reflected, 32)
    assert any(stage)


def test_second_stage_is_refused_where_it_is_too_long(tmp_path: Path) -> None:
    script = PORT / "checksum_boot2.py"
    stage = tmp_path / "boot2.bin"
    stage.write_bytes(bytes(STAGE_BYTES + 1))
    result = subprocess.run(
        ["python3", str(script), str(stage), str(tmp_path / "out.S")],
        check=False,
        capture_output=True,
        text=True,
    )
    assert result.returncode == 1
    assert "253 bytes" in result.stderr


def test_vector_table_is_where_the_second_stage_looks(agent_image: Image) -> None:
    image, symbols = agent_image.file("bin").read_bytes(), agent_image.symbols()
    stack, reset, *handlers = struct.unpack_from(f"<{EXCEPTIONS + 32}I", image, VECTOR_TABLE)
    assert stack == RAM_START + RAM_BYTES
    assert reset == symbols["reset_handler"] | 1
    assert FLASH_START < reset < FLASH_START + len(image)
    table = [0, 0, *handlers]
    assert table[15] == symbols["systick_handler"] | 1
    assert table[EXCEPTIONS + 20] == symbols["uart0_handler"] | 1  # datasheet 2.3.2
    for handler in handlers:
        assert handler & 1, "not Thumb"
        assert RAM_START <= handler < RAM_START + RAM_BYTES, "flash may be off when it is needed"


def test_ram_vector_table_is_aligned(agent_image: Image) -> None:
    assert agent_image.symbols()["__ram_vectors"] % 256 == 0


def test_linker_script_covers_the_physical_part(agent_image: Image) -> None:
    regions = agent_image.regions()
    firmware, plans, ram = (regions[name] for name in ("FIRMWARE", "PLAN_STORE", "RAM"))
    assert firmware[0] == FLASH_START
    assert firmware[0] + firmware[1] == plans[0]
    assert plans[0] + plans[1] == FLASH_START + FLASH_BYTES
    assert plans[0] % 65536 == 0, "plans are erased in blocks of 64 KB"
    assert ram == (RAM_START, RAM_BYTES)


def test_statics_pool_and_stack_fill_the_ram_without_overlap(agent_image: Image) -> None:
    layout = ram_layout(agent_image, RAM_START)
    assert layout.stack_top == RAM_START + RAM_BYTES
    assert agent_image.symbols()["__pool_bytes"] == layout.pool_end - layout.pool_start


def test_flash_is_within_its_limit(agent_image: Image) -> None:
    assert agent_image.file("bin").stat().st_size <= FLASH_LIMIT_BYTES


def test_ram_besides_the_pool_is_within_its_limit(agent_image: Image) -> None:
    assert RAM_BYTES - agent_image.symbols()["__pool_bytes"] <= RAM_LIMIT_BYTES


@pytest.mark.parametrize(
    ("declaration", "complaint"),
    [
        (f"const volatile unsigned char ballast[{FLASH_LIMIT_BYTES}] = {{1}};", "32 KB of flash"),
        (f"volatile unsigned char ballast[{RAM_LIMIT_BYTES}];", "over 8 KB"),
    ],
)
def test_an_image_over_a_limit_does_not_link(
    tmp_path: Path, declaration: str, complaint: str
) -> None:
    assert_does_not_link(PORT, tmp_path, declaration, complaint)


def test_code_in_ram_calls_nothing_in_flash(agent_image: Image) -> None:
    """It runs while XIP is off, and a branch to flash may hide in a call that gcc inserts."""
    listing = subprocess.run(
        ["arm-none-eabi-objdump", "-d", "-j", ".data", str(agent_image.file("elf"))],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    functions = set(re.findall(r"^[0-9a-f]{8} <(\w+)>:$", listing, re.M))
    assert {"uart0_handler", "systick_handler", "fault_handler", "flash_do"} <= functions
    for target in re.findall(r"\tbl?x?\w*(?:\.n|\.w)?\t([0-9a-f]{8}) <", listing):
        assert int(target, 16) >> 24 == RAM_START >> 24
    for word in re.findall(r"\.word\t0x([0-9a-f]{8})", listing):
        value = int(word, 16)
        # The second stage is copied from flash while it can still be read.
        in_second_stage = FLASH_START <= value <= FLASH_START + VECTOR_TABLE
        assert in_second_stage or value >> 24 != FLASH_START >> 24, f"0x{word}"
