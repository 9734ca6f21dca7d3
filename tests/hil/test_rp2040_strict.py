"""What the part does not forgive ends the run, with the place and the reason."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from hil.emulators.process import EmulatorProcess
from hil.emulators.rp2040 import Rp2040Emulator
from host.errors import LinkError
from host.links.emulator import EmulatorLink
from tests.hil.dialogue import Control, read_bytes


@pytest.mark.parametrize("flash_model", ["xip", "zero-wait"])
@pytest.mark.parametrize(
    ("command", "kind", "reason"),
    [
        (b"m", "misaligned", "word read from 0x2000"),
        (b"u", "unmapped", "read from 0x20050000"),
        (b"x", "xip-store", "store to flash at 0x10010000"),
        (b"f", "xip-off", "flash_flush_cache has not been called"),
        (b"p", "xip-off", "flash_exit_xip was called"),
        (b"k", "bkpt", "bkpt #7"),
        (b"d", "in-reset", "0x40054028"),
        (b"n", "undefined", "udf"),
        (b"a", "arm-state", "Thumb"),
    ],
)
def test_an_offence_stops_the_board(
    command: bytes,
    kind: str,
    reason: str,
    flash_model: str,
    start: Callable[..., EmulatorProcess],
    connect: Callable[[EmulatorProcess], EmulatorLink],
) -> None:
    board = start("probe", flash_model=flash_model)
    link = connect(board)
    with Control(board) as control:
        link.write(command)
        stopped = control.next_message()
    assert stopped["event"] == "stopped"
    assert stopped["kind"] == kind
    assert reason in stopped["reason"]
    with pytest.raises(LinkError, match="the emulated board stopped") as caught:
        read_bytes(link, 1_000)  # the report of the boot, then nothing but the end
    assert "exit code 70" in str(caught.value)
    assert re.search(r"stopped at pc 0x[12]0[0-9a-f]{6}", str(caught.value))
    assert reason in str(caught.value)


def test_a_wrong_second_stage_checksum_is_refused(
    build_image: Callable[..., Path], tmp_path: Path
) -> None:
    image = bytearray(build_image("echo").read_bytes())
    image[100] ^= 1
    broken = tmp_path / "broken.bin"
    broken.write_bytes(image)
    with pytest.raises(LinkError, match="second stage's checksum"):
        Rp2040Emulator().start(firmware=broken)
