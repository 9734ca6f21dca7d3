"""How the images lie in memory, and the sizes they have promised to keep."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.firmware.esp32.qemu.machines import Image, Machine, make_image

FLASH_BYTES = 4 * 1024 * 1024
FIRMWARE_PARTITION_BYTES = 1024 * 1024
PLAN_PARTITION_OFFSET = 0x110000
FLASH_LIMIT_BYTES = 64 * 1024
STATIC_LIMIT_BYTES = 12 * 1024
STACK_BYTES = 4096


def test_linker_script_has_the_parts_sizes(machine: Machine, agent_image: Image) -> None:
    text = agent_image.file("map").read_text().split("Linker script and memory map")[0]
    regions = {
        name: (int(origin, 16), int(length, 16))
        for name, origin, length in re.findall(r"^(\w+) +0x(\w+) +0x(\w+) +\w+$", text, re.M)
    }
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
    symbols = agent_image.symbols()
    edges = ("__static_start", "__static_end", "__pool_start", "__pool_end", "__stack_top")
    start, static_end, pool_start, pool_end, stack_top = (symbols[name] for name in edges)
    assert start == machine.ram_start == symbols["kept"], "the record that resets keep comes first"
    assert static_end <= pool_start < static_end + 16
    assert pool_start % 16 == 0
    assert pool_end - pool_start == machine.pool_bytes
    assert pool_end == symbols["__stack_bottom"]
    assert stack_top - pool_end == STACK_BYTES
    assert stack_top <= machine.ram_start + machine.ram_bytes


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
    main = tmp_path / "fat.c"
    main.write_text(f"{declaration}\nint main(void) {{ return ballast[0]; }}\n")
    result = make_image(machine, tmp_path / "build", f"MAIN={main}")
    assert result.returncode != 0
    assert complaint in result.stderr
