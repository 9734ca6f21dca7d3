"""``host flash`` and ``host measure`` on an UNO with Arduino's boot loader, through avrdude.

The part is simavr, not the product's own emulator; boot loader and programmer are Arduino's.
"""

from __future__ import annotations

import subprocess
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from protocol.measurement import Measurement
from protocol.plan import CRC_FROM
from tests.hil.optiboot.board import UnoWithOptiboot, require_optiboot
from tests.host.cli.conftest import HostCommand
from tests.support.make import BUILD_DIR, ROOT, make

MLP = ROOT / "examples" / "digits_mlp_int8.tflite"
PAGE_BYTES = 128
"""ATmega328P data sheet DS40002061, table 28-11."""


def pages(size_bytes: int) -> int:
    return -(-size_bytes // PAGE_BYTES)


@pytest.fixture
def uno() -> Iterator[UnoWithOptiboot]:
    require_optiboot()
    make(ROOT / "firmware", "uno")
    with UnoWithOptiboot() as board:
        yield board


@pytest.fixture
def firmware(uno: UnoWithOptiboot) -> bytes:
    """Flat, as objcopy made it beside the .hex that is flashed."""
    return (BUILD_DIR / "firmware" / "uno" / "uno.bin").read_bytes()


def flash_of(uno: UnoWithOptiboot, path: Path) -> bytes:
    """What the boot loader reads back."""
    subprocess.run(
        [
            *("avrdude", "-q", "-q", "-p", "m328p", "-c", "arduino", "-P", uno.port),
            *("-b", "115200", "-U", f"flash:r:{path}:r"),
        ],
        check=True,
        capture_output=True,
        timeout=60,
    )
    return path.read_bytes()


def test_from_an_empty_part_to_flash_that_is_spared(
    uno: UnoWithOptiboot, firmware: bytes, host: HostCommand, tmp_path: Path
) -> None:
    """One life of a part: flashed, measured with a plan, then both again without a page written."""
    done = host("flash", "--board", "uno", "--port", uno.port)
    assert done.returncode == 0, done.stderr
    assert "programming uno with " in done.stderr
    assert done.stdout.startswith("Flashed  ")
    assert f"Answers  uno at {uno.port}, build gcc " in done.stdout
    assert uno.erased_pages() == pages(len(firmware))

    done = host("measure", MLP, "--board", "uno", "--port", uno.port, "--json")
    assert done.returncode == 0, done.stderr
    assert "an image of " in done.stderr
    record = Measurement.from_json(done.stdout)
    assert (record.output.verdict, record.link.transport) == ("exact", "serial")
    assert record.evidence.source == "emulated"
    plan_bytes = record.candidate.plan_bytes
    merged = pages(len(firmware) + plan_bytes)
    assert uno.erased_pages() == pages(len(firmware)) + merged
    rising, falling = uno.timed_edges()
    assert rising == falling == record.latency_ms.n + record.latency_ms.warmup

    content = flash_of(uno, tmp_path / "flash.bin")
    plan = content[len(firmware) : len(firmware) + plan_bytes]
    assert content.startswith(firmware)
    assert zlib.crc32(plan[CRC_FROM:]) == record.candidate.plan_crc32

    before = uno.erased_pages()
    done = host("measure", MLP, "--board", "uno", "--port", uno.port)
    assert done.returncode == 0, done.stderr
    assert "has this plan already: it was not programmed again" in done.stderr
    assert uno.erased_pages() == before

    done = host("flash", "--board", "uno", "--port", uno.port)
    assert done.returncode == 0, done.stderr
    assert "already: its flash was not written again" in done.stderr
    assert done.stdout.startswith("Kept ")
    assert uno.erased_pages() == before
