"""Whole nights on the emulated Pico: accepted, repeated, and made slower."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from hil.emulators.rp2040 import Rp2040Emulator
from tests.host.cli.conftest import ENVIRONMENT, command
from tests.support.make import ROOT, make

MLP = ROOT / "examples" / "digits_mlp_int8.tflite"
KERNEL = Path("runtime") / "cortex_m0plus" / "fully_connected.c"


GOLDEN = ROOT / "examples" / "golden" / "digits_mlp.golden"
FARM = """\
racks:
  - id: bench
    boards:
      - {{id: one, {board}}}
"""
EMULATED = "kind: emulator, emulator: pico, flash_model: zero-wait"


def farm(*arguments: object) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        command("farm", *arguments),
        cwd=ROOT,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert "Traceback" not in done.stderr + done.stdout
    return done


@pytest.fixture(scope="module")
def slow_image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The firmware with FULLY_CONNECTED some 3 % slower: it waits after each row."""
    folder = tmp_path_factory.mktemp("slow")
    shutil.copytree(ROOT / "firmware", folder / "firmware")
    source = folder / "firmware" / KERNEL
    text = source.read_text()
    row_end = "        weights += row_bytes;\n"
    assert text.count(row_end) == 1
    wait = '        __asm__ volatile("nop\\n nop\\n nop\\n nop\\n nop\\n nop\\n nop\\n nop");\n'
    source.write_text(text.replace(row_end, row_end + wait * 2))
    make(
        folder / "firmware" / "ports" / "rp2040",
        f"PYTHON={ROOT / '.venv' / 'bin' / 'python'}",
        build=folder / "build",
    )
    return folder / "build" / "firmware" / "pico" / "pico.bin"


@pytest.fixture(scope="module")
def slow_pico(slow_image: Path) -> Iterator[str]:
    """Where one runs that firmware, as a line of a farm file has it."""
    emulator = Rp2040Emulator()
    reason = emulator.missing()
    if reason is not None:
        pytest.skip(reason)
    process = emulator.start(firmware=slow_image, flash_model="zero-wait")
    try:
        yield f'kind: tcp, device: pico, identity: {{address: "127.0.0.1:{process.port}"}}'
    finally:
        process.stop()


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_a_second_night_is_the_same_and_a_slower_kernel_is_found(
    tmp_path: Path, slow_pico: str
) -> None:
    make(ROOT / "firmware" / "ports" / "rp2040")
    config, output = tmp_path / "farm.yaml", tmp_path / "reports"
    config.write_text(FARM.format(board=EMULATED))
    shutil.copytree(GOLDEN, tmp_path / "golden" / GOLDEN.name)
    shutil.copy(MLP, tmp_path)
    kept = ("--history", tmp_path / "history.sqlite", "--output", output)
    nightly = ("nightly", "--baseline", "v1", *kept)
    measured = (*nightly, MLP, "--config", config, "--sessions", 1)

    nothing = farm(*measured)
    assert nothing.returncode == 2
    assert "there is no baseline v1 yet" in nothing.stderr
    assert "--accept" in nothing.stderr

    first = farm(*measured, "--accept", "a test")
    assert first.returncode == 0, first.stdout + first.stderr
    assert "accepted 1 cells as v1" in first.stderr

    second = farm(*measured, "--accept", "another reason")
    assert second.returncode == 0, second.stdout + second.stderr
    assert "accepted" not in second.stderr, "there is one already"
    assert second.stdout.startswith("Nightly: no regression in 1 cells\n")

    config.write_text(FARM.format(board=slow_pico))
    found = farm(*measured, "--golden", tmp_path / "golden")
    assert found.returncode == 8, found.stdout + found.stderr
    report = json.loads((output / "report.json").read_text())
    (cell,) = report["cells"]
    assert cell["status"] == "regression"
    assert [finding["what"] for finding in cell["findings"]] == ["cycles"]
    before, after = (cell[which]["cycles"]["median"] for which in ("reference", "record"))
    assert after / before == pytest.approx(1.03, abs=0.01)
    assert {op["kind"] for op in cell["ops"]} == {"FULLY_CONNECTED"}, "and SOFTMAX is as it was"
    assert "FULLY_CONNECTED" in found.stdout
    assert [replay["verdict"] for replay in report["replays"]] == ["as the set has it"]
    assert "REGRESSION: 1 of 1 cells" in (output / "report.html").read_text()

    again = farm(*nightly, "--no-run")
    assert again.returncode == 8, "the newest night of the history is that one"
    assert "not checked (no golden set was replayed)" in again.stdout

    config.write_text(FARM.format(board=EMULATED + ", quarantine: it smokes"))
    missing = farm(*measured)
    assert missing.returncode == 5
    assert "nothing was measured" in missing.stderr
    assert "it smokes" in missing.stderr

    path = tmp_path / "baselines" / "v1.json"
    path.write_text(path.read_text().replace('"reason": "a test"', '"reason": "another"'))
    refused = farm(*measured)
    assert refused.returncode == 2
    assert "altered after it was accepted" in refused.stderr


def test_what_does_not_go_together_is_refused(tmp_path: Path) -> None:
    history = ("--history", tmp_path / "history.sqlite")
    for arguments, reason in (
        (("--since", "2026-01-01"), "give --no-run too"),
        (("--no-run", MLP), "--no-run measures and replays nothing"),
        (("--no-run",), "No such file"),
    ):
        refused = farm("nightly", "--baseline", "v1", *history, *arguments)
        assert refused.returncode == 2
        assert reason in refused.stderr
