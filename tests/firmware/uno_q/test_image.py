"""How the two images lie in memory: the part's own, and the emulated machine's of the same size."""

from __future__ import annotations

import json
import struct

import pytest

from tests.firmware.shared.images import ram_layout
from tests.firmware.uno_q.images import PORT, Image, built
from tests.support.make import BUILD_DIR, make

FLASH_BYTES = 2 * 1024 * 1024  # STM32U585AI, data sheet DS13086
RAM_BYTES = (192 + 64 + 512) * 1024  # SRAM1 to SRAM3, DS13086
STACK_BYTES = 4096
STATIC_LIMIT_BYTES = 8 * 1024
FLASH_LIMIT_BYTES = 64 * 1024  # what devices/uno_q takes off for the firmware
EXCEPTIONS = 16

# Where flash and RAM begin, and the interrupt of the UART: LPUART1 [RM0456, NVIC], UART0 [AN505].
CHIPS = {
    "uno_q": (0x08000000, 0x20000000, 66),
    "uno_q-an505": (0x10000000, 0x38000000, 42),
}


@pytest.fixture(params=CHIPS)
def image(request: pytest.FixtureRequest) -> Image:
    return built(request.param)


def test_linker_script_has_the_parts_sizes(image: Image) -> None:
    flash, ram, _ = CHIPS[image.name]
    assert image.regions() == {"FLASH": (flash, FLASH_BYTES), "RAM": (ram, RAM_BYTES)}


def test_vector_table_comes_first(image: Image) -> None:
    flash, ram, uart_irq = CHIPS[image.name]
    content, symbols = image.file("bin").read_bytes(), image.symbols()
    words = struct.unpack_from(f"<{EXCEPTIONS + uart_irq + 1}I", content)
    assert words[0] == ram + RAM_BYTES
    assert words[1] == symbols["reset_handler"] | 1
    assert words[15] == symbols["systick_handler"] | 1
    assert words[EXCEPTIONS + uart_irq] == symbols["uart_handler"] | 1
    for handler in words[1:]:
        assert handler & 1, "not Thumb"
        assert flash < handler < flash + len(content)


def test_statics_pool_and_stack_fill_the_ram_without_overlap(image: Image) -> None:
    _, ram, _ = CHIPS[image.name]
    layout = ram_layout(image, ram)
    assert ram == image.symbols()["kept"], "the record that resets keep comes first"
    assert layout.static_end - layout.static_start <= STATIC_LIMIT_BYTES
    assert layout.pool_end == layout.stack_top - STACK_BYTES
    assert layout.stack_top == ram + RAM_BYTES


def test_flash_is_within_its_limit(image: Image) -> None:
    assert image.file("bin").stat().st_size <= FLASH_LIMIT_BYTES


def test_manifest_names_both_images() -> None:
    make(PORT)
    manifest = json.loads((BUILD_DIR / "firmware" / "uno_q" / "manifest.json").read_text())
    sizes = {image["name"]: image["bytes"] for image in manifest["images"]}
    for name in CHIPS:
        assert sizes[f"{name}.bin"] == built(name).file("bin").stat().st_size
    assert manifest["board"] == "uno_q"
    assert manifest["sizes"]["stack_bytes"] == STACK_BYTES
