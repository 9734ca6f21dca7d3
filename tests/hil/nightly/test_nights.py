"""Whole nights on the emulated Pico: accepted, repeated, and made slower."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from hil.emulators.rp2040 import Rp2040Emulator
from host.evidence import History
from host.measurement.measure import MeasureRequest, run_measurement
from host.measurement.observer import Silent
from tests.host.cli.conftest import ENVIRONMENT, command
from tests.support.make import ROOT, make

MLP = ROOT / "examples" / "digits_mlp_int8.tflite"
KERNEL = Path("runtime") / "cortex_m0plus" / "fully_connected.c"


def measure_night(history: Path, firmware: Path | None = None) -> None:
    emulator = Rp2040Emulator()
    reason = emulator.missing()
    if reason is not None:
        pytest.skip(reason)
    process = emulator.start(firmware=firmware, flash_model="zero-wait")
    try:
        request = MeasureRequest(model=MLP, port=f"tcp://127.0.0.1:{process.port}", profile=True)
        outcome = run_measurement(request, Silent())
    finally:
        process.stop()
    with History.open(str(history)) as kept:
        kept.add(outcome.record, outcome.plan_ops)


def farm(*arguments: object) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        command("farm", *arguments),
        cwd=ROOT,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=60,
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


def test_a_second_night_is_the_same_and_a_slower_kernel_is_found(
    tmp_path: Path, slow_image: Path
) -> None:
    make(ROOT / "firmware" / "ports" / "rp2040")
    history, output = tmp_path / "history.sqlite", tmp_path / "reports"
    measure_night(history)
    accepted = farm("baseline", "v1", "--reason", "a test", "--history", history)
    assert accepted.returncode == 0, accepted.stderr
    assert "accepted 1 cells as v1" in accepted.stdout
    nightly = ("nightly", "--no-run", "--baseline", "v1", "--history", history, "--output", output)

    nothing_new = farm(*nightly)
    assert nothing_new.returncode == 2
    assert "no measurement to compare" in nothing_new.stderr

    measure_night(history)
    same = farm(*nightly)
    assert same.returncode == 0, same.stdout + same.stderr
    assert same.stdout.startswith("Nightly: no regression in 1 cells\n")

    measure_night(history, slow_image)
    found = farm(*nightly)
    assert found.returncode == 8, found.stdout + found.stderr
    (cell,) = json.loads((output / "report.json").read_text())["cells"]
    assert cell["status"] == "regression"
    assert [finding["what"] for finding in cell["findings"]] == ["cycles"]
    before, after = (cell[which]["cycles"]["median"] for which in ("reference", "record"))
    assert after / before == pytest.approx(1.03, abs=0.01)
    assert {op["kind"] for op in cell["ops"]} == {"FULLY_CONNECTED"}, "and SOFTMAX is as it was"
    assert "FULLY_CONNECTED" in found.stdout
    assert "<h1>REGRESSION: 1 of 1 cells</h1>" in (output / "report.html").read_text()

    path = tmp_path / "baselines" / "v1.json"
    path.write_text(path.read_text().replace('"reason": "a test"', '"reason": "another"'))
    refused = farm(*nightly)
    assert refused.returncode == 2
    assert "altered after it was accepted" in refused.stderr
