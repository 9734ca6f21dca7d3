"""Test images for the emulated boards, built with cross compilers and started as processes."""

from __future__ import annotations

import shutil
import struct
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hil.emulators.atmega328p import Atmega328pEmulator
from hil.emulators.process import EmulatorProcess
from hil.emulators.rp2040 import Rp2040Emulator
from host.links.emulator import EmulatorLink
from tests.support.boards import started

_FIRMWARE = Path(__file__).parent / "firmware"
_UNO_FIRMWARE = _FIRMWARE / "uno"
_BOOT2_CODE_BYTES = 252


def boot2_crc32(code: bytes) -> int:
    """The boot ROM's CRC-32, bit by bit: polynomial 0x04c11db7, MSB first, no reflection."""
    crc = 0xFFFFFFFF
    for byte in code:
        crc ^= byte << 24
        for _ in range(8):
            crc = (crc << 1) ^ (0x04C11DB7 if crc & 0x80000000 else 0)
            crc &= 0xFFFFFFFF
    return crc


@pytest.fixture(scope="session")
def build_image(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Builds `firmware/<name>.c` into a flat image with a valid second stage."""
    compiler = "arm-none-eabi-gcc"
    if shutil.which(compiler) is None:
        pytest.fail(f"{compiler} is missing: `make setup` installs it")
    folder = tmp_path_factory.mktemp("images")
    built: dict[tuple[str, ...], Path] = {}

    def build(name: str, *defines: str) -> Path:
        key = (name, *defines)
        if key not in built:
            stem = folder / "-".join(key).replace("=", "_")
            sources = [f"{name}.c", "start.c", "boot2.S", "sequences.S"]
            subprocess.run(
                [
                    *(compiler, "-mcpu=cortex-m0plus", "-mthumb", "-Os", "-ffreestanding"),
                    *("-nostdlib", "-Wall", "-Wextra", "-Werror", "-Wl,--no-warn-rwx-segments"),
                    *(f"-D{define}" for define in defines),
                    *("-T", str(_FIRMWARE / "link.ld"), "-o", f"{stem}.elf"),
                    *(str(_FIRMWARE / source) for source in sources),
                    "-lgcc",
                ],
                check=True,
            )
            subprocess.run(
                ["arm-none-eabi-objcopy", "-O", "binary", f"{stem}.elf", f"{stem}.bin"], check=True
            )
            image = bytearray(stem.with_suffix(".bin").read_bytes())
            struct.pack_into("<I", image, _BOOT2_CODE_BYTES, boot2_crc32(image[:_BOOT2_CODE_BYTES]))
            stem.with_suffix(".bin").write_bytes(image)
            built[key] = stem.with_suffix(".bin")
        return built[key]

    return build


@pytest.fixture
def start(build_image: Callable[..., Path]) -> Iterator[Callable[..., EmulatorProcess]]:
    """Starts emulated Picos from test images and ends them after the test."""

    def start_one(
        name: str, *defines: str, flash_model: str = "xip", flash_file: Path | None = None
    ) -> EmulatorProcess:
        return Rp2040Emulator().start(
            firmware=build_image(name, *defines), flash_model=flash_model, flash_file=flash_file
        )

    with started(start_one) as start_and_end:
        yield start_and_end


@pytest.fixture(scope="session")
def build_uno_image(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Builds `firmware/uno/<name>.c`, or a source that a test made, into Intel HEX."""
    compiler = "avr-gcc"
    if shutil.which(compiler) is None:
        pytest.fail(f"{compiler} is missing: `make setup` installs it")
    folder = tmp_path_factory.mktemp("uno-images")
    built: dict[tuple[str, ...], Path] = {}

    def build(name: str, *defines: str, source: Path | None = None) -> Path:
        key = (name, *defines, str(source))
        if key not in built:
            stem = folder / f"{name}{len(built)}"
            subprocess.run(
                [
                    *(compiler, "-mmcu=atmega328p", "-DF_CPU=16000000UL", "-std=gnu99", "-Os"),
                    *("-Wall", "-Wextra", "-Werror", "-I", str(_UNO_FIRMWARE)),
                    *(f"-D{define}" for define in defines),
                    *("-o", f"{stem}.elf", str(_UNO_FIRMWARE / f"{name}.c")),
                    *([] if source is None else [str(source)]),
                ],
                check=True,
            )
            subprocess.run(["avr-objcopy", "-O", "ihex", f"{stem}.elf", f"{stem}.hex"], check=True)
            built[key] = stem.with_suffix(".hex")
        return built[key]

    return build


@pytest.fixture
def start_uno(build_uno_image: Callable[..., Path]) -> Iterator[Callable[..., EmulatorProcess]]:
    """Starts emulated UNOs from test images and ends them after the test."""

    def start_one(name: str, *defines: str, source: Path | None = None) -> EmulatorProcess:
        image = build_uno_image(name, *defines, source=source)
        return Atmega328pEmulator().start(firmware=image)

    with started(start_one) as start_and_end:
        yield start_and_end


@pytest.fixture
def connect() -> Iterator[Callable[[EmulatorProcess], EmulatorLink]]:
    """Joins the UART of a started board."""
    links: list[EmulatorLink] = []

    def connect_one(process: EmulatorProcess) -> EmulatorLink:
        link = EmulatorLink(process)
        links.append(link)
        return link

    yield connect_one
    for link in links:
        link.close()
