"""How the images lie in memory, and the sizes they have promised to keep."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.firmware.esp32.qemu.machines import NO_IDF, Image, Machine
from tests.firmware.shared.images import assert_does_not_link, ram_layout

FLASH_BYTES = 4 * 1024 * 1024
FIRMWARE_PARTITION_BYTES = 1024 * 1024
PLAN_PARTITION_OFFSET = 0x110000
FLASH_LIMIT_BYTES = 64 * 1024
STATIC_LIMIT_BYTES = 12 * 1024
STACK_BYTES = 4096


def test_linker_script_has_the_parts_sizes(machine: Machine, agent_image: Image) -> None:
    regions = agent_image.regions()
    flash = machine.flash_start
    assert regions["FIRMWARE"] == (flash, FIRMWARE_PARTITION_BYTES)
    assert regions["PLAN_STORE"] == (
        flash + PLAN_PARTITION_OFFSET,
        FLASH_BYTES - PLAN_PARTITION_OFFSET,
    )
    assert regions["RAM"] == (machine.ram_start, machine.ram_bytes)


def test_statics_pool_and_stack_lie_in_ram_without_overlap(
    machine: Machine, agent_image: Image
) -> None:
    layout = ram_layout(agent_image, machine.ram_start)
    kept = agent_image.symbols()["kept"]
    assert kept == machine.ram_start, "the record that resets keep comes first"
    assert layout.pool_end - layout.pool_start == machine.pool_bytes
    assert layout.stack_top - layout.pool_end == STACK_BYTES
    assert layout.stack_top <= machine.ram_start + machine.ram_bytes


def test_the_machine_starts_at_the_images_first_byte(machine: Machine, agent_image: Image) -> None:
    assert agent_image.symbols()["reset_handler"] == machine.flash_start


def test_flash_is_within_its_limit(agent_image: Image) -> None:
    assert agent_image.file("bin").stat().st_size <= FLASH_LIMIT_BYTES


@pytest.mark.parametrize(
    ("declaration", "complaint"),
    [
        (f"const volatile unsigned char ballast[{FLASH_LIMIT_BYTES}] = {{1}};", "64 KB of flash"),
        (f"volatile unsigned char ballast[{STATIC_LIMIT_BYTES}];", "over 12 KB"),
    ],
)
def test_an_image_over_a_limit_does_not_link(
    machine: Machine, tmp_path: Path, declaration: str, complaint: str
) -> None:
    assert_does_not_link(machine.port, tmp_path, declaration, complaint, NO_IDF)
