"""The boot ROM's flash functions: typical times of the W25Q16JV, programming clears bits only."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from hil.emulators.process import EmulatorProcess
from host.links.emulator import EmulatorLink
from tests.hil.dialogue import Control, ask

SECTOR_ERASE_US = 45_000
PAGE_PROGRAM_US = 400
BLOCK_ERASE_US = 150_000
TEST_OFFSET = 0x100000


def test_erase_and_program(
    start: Callable[..., EmulatorProcess],
    connect: Callable[[EmulatorProcess], EmulatorLink],
    tmp_path: Path,
) -> None:
    flash_file = tmp_path / "flash.bin"
    board = start("probe", flash_file=flash_file)
    erase_us, program_us, block_us, programmed, erased = ask(connect(board), b"F", 5)
    assert erase_us == pytest.approx(SECTOR_ERASE_US, abs=5)
    assert program_us == pytest.approx(PAGE_PROGRAM_US, abs=5)
    assert block_us == pytest.approx(BLOCK_ERASE_US, abs=5)
    # 0xa5, then 0x3c over it without an erase in between.
    assert programmed == int.from_bytes(bytes([0xA5 & 0x3C]) * 4, "little")
    assert erased == 0xFFFFFFFF

    with Control(board) as control:
        control.command("kill")
    board.exit_report(wait_s=5.0)
    kept = flash_file.read_bytes()
    assert kept[TEST_OFFSET : TEST_OFFSET + 256] == bytes([0xA5 & 0x3C]) * 256
    assert kept[TEST_OFFSET + 256 : TEST_OFFSET + 4096] == b"\xff" * (4096 - 256)
