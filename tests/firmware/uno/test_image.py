"""How the image lies in memory, and the sizes it has promised to keep."""

from __future__ import annotations

from pathlib import Path

import pytest

from host.programming.image import read_image
from tests.firmware.shared.images import assert_does_not_link, assert_not_made
from tests.firmware.uno.images import FLASH_BYTES, PORT, Image

FLASH_LIMIT_BYTES = 16 * 1024
RAM_START, RAM_BYTES = 0x800100, 2 * 1024  # data sheet DS40002061, section 8.3; avr-gcc's offset
RAM_LIMIT_BYTES = 600
GUARD_BYTES = 32
ALIGNMENT_BYTES = 16


def test_linker_script_has_the_parts_sizes(agent_image: Image) -> None:
    assert agent_image.regions() == {"FLASH": (0, FLASH_BYTES), "RAM": (RAM_START, RAM_BYTES)}


def test_flash_is_within_its_limit(agent_image: Image) -> None:
    assert agent_image.file("bin").stat().st_size <= FLASH_LIMIT_BYTES


def test_the_plan_store_begins_where_the_image_ends(agent_image: Image) -> None:
    size = agent_image.file("bin").stat().st_size
    symbols = agent_image.symbols()
    assert size % ALIGNMENT_BYTES == 0
    assert size == symbols["__plan_store_start"]
    assert symbols["__plan_store_bytes"] == FLASH_BYTES - size
    hexadecimal = read_image(agent_image.file("hex"))
    assert (hexadecimal.address, hexadecimal.data) == (0, agent_image.file("bin").read_bytes())


def test_ram_besides_the_arena_is_within_its_limit(agent_image: Image) -> None:
    symbols = agent_image.symbols()
    edges = ("__static_end", "__pool_start", "__stack_bottom", "__stack_top")
    static_end, pool_start, stack_bottom, stack_top = (symbols[name] for name in edges)
    assert symbols["agent"] < static_end <= pool_start
    assert pool_start % ALIGNMENT_BYTES == 0
    assert stack_top == RAM_START + RAM_BYTES
    arena_bytes = stack_bottom - pool_start - GUARD_BYTES
    assert RAM_BYTES - arena_bytes <= RAM_LIMIT_BYTES


def test_the_record_that_resets_keep_is_first_in_ram(agent_image: Image) -> None:
    """A version that finds it elsewhere would count starts anew."""
    assert agent_image.symbols()["kept"] == RAM_START


@pytest.mark.parametrize(
    ("declaration", "complaint"),
    [
        (f"const __flash volatile char ballast[{FLASH_LIMIT_BYTES}] = {{1}};", "16 KB of flash"),
        ("volatile char ballast[352];", "static data is larger than its room"),
        ("volatile char ballast[4] = {1};", "belong into flash"),
    ],
    ids=["flash", "static", "data"],
)
def test_an_image_over_a_limit_does_not_link(
    tmp_path: Path, declaration: str, complaint: str
) -> None:
    assert_does_not_link(PORT, tmp_path, declaration, complaint)


def test_ram_over_its_limit_does_not_link(tmp_path: Path) -> None:
    main = tmp_path / "main.c"
    main.write_text("int main(void) { return 0; }\n")
    complaint = "RAM besides the arena, guards included, is over 600 bytes"
    assert_not_made(PORT, tmp_path / "build", complaint, f"MAIN={main}", "POOL_BYTES=1472")
