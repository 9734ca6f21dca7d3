"""``host measure`` on the emulated Pico, over its UART and whatever happens to it."""

from __future__ import annotations

import os
import signal
import subprocess
import time

import psutil
import pytest

from host.emulators import find_emulator
from protocol.measurement import Measurement
from tests.host.cli.conftest import ENVIRONMENT, HostCommand, command, start_until
from tests.support.faulty_link import Faults, FaultyLink
from tests.support.pc_agent import ROOT

CNN = ROOT / "examples" / "digits_cnn_int8.tflite"
MLP = ROOT / "examples" / "digits_mlp_int8.tflite"


def test_measures_the_default_example(host: HostCommand) -> None:
    done = host("measure", "--json")
    assert done.returncode == 0, done.stderr
    record = Measurement.from_json(done.stdout)
    assert record.model.name == CNN.name
    assert record.output.verdict == "exact"
    assert (record.evidence.source, record.evidence.fidelity) == ("emulated", "cycle")
    assert record.evidence.emulator is not None
    assert record.evidence.emulator.endswith(" xip")
    assert (record.latency_ms.n, record.latency_ms.warmup) == (3, 1)
    assert record.cycles is not None
    assert record.cycles.median / record.latency_ms.median == pytest.approx(133_000, rel=1e-4)
    assert record.link.retransmits == 0


@pytest.mark.parametrize("model", [MLP, CNN], ids=lambda path: path.stem)
def test_the_ops_of_a_profile_add_up(host: HostCommand, model: object) -> None:
    done = host("measure", model, "--flash-model", "zero-wait", "--profile", "--json")
    assert done.returncode == 0, done.stderr
    record = Measurement.from_json(done.stdout)
    assert record.ops is not None
    assert record.cycles is not None
    assert record.evidence.emulator is not None
    assert record.evidence.emulator.endswith(" zero-wait")
    assert sum(op.cycles for op in record.ops) == pytest.approx(record.cycles.median, rel=0.02)
    assert sum(op.macs for op in record.ops) == record.candidate.macs


def test_a_latency_is_never_shown_without_its_evidence(host: HostCommand) -> None:
    done = host("measure", MLP, "--plan-store", "flash")
    assert done.returncode == 0, done.stderr
    label = "(RP2040 @ 133 MHz, emulated, cycle ±10 %, rp2040js "
    for line in done.stdout.splitlines():
        if " median" in line or " max" in line:
            assert label in line
    assert "plan in flash" in done.stdout


def test_faults_on_the_line_change_no_checksum(host: HostCommand) -> None:
    """1 % of frames corrupted, dropped and doubled each; a plan of small frames has hundreds."""
    bad = Faults(corrupt=0.01, drop=0.01, duplicate=0.01)
    board = find_emulator("pico").start()
    try:
        target = (board.host, board.port)
        with FaultyLink(target, to_board=bad, to_host=bad, seed=4) as relay:
            done = host("measure", CNN, "--port", relay.url, "--iterations", 60, "--json")
            lost = relay.sent.corrupted + relay.sent.dropped
    finally:
        board.stop()
    assert done.returncode == 0, done.stderr
    record = Measurement.from_json(done.stdout)
    assert record.output.verdict == "exact"
    assert record.link.retransmits >= lost


def test_an_emulated_usb_port_on_a_pseudo_terminal(host: HostCommand) -> None:
    """As a Pico at /dev/ttyACM0: USB below, a terminal above."""
    with subprocess.Popen(
        command("emulate", "pico", "--link", "usb"),
        cwd=ROOT,
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as board:
        assert board.stdout is not None
        try:
            done = host("measure", MLP, "--port", board.stdout.readline().strip(), "--json")
        finally:
            board.send_signal(signal.SIGINT)
    assert done.returncode == 0, done.stderr
    record = Measurement.from_json(done.stdout)
    assert (record.output.verdict, record.link.transport) == ("exact", "serial")
    assert record.link.retransmits == 0


def test_an_emulator_killed_in_mid_run() -> None:
    process = start_until("running", "measure", CNN, "--iterations", 10_000)
    (emulator,) = psutil.Process(process.pid).children()
    killed_at = time.monotonic()
    os.kill(emulator.pid, signal.SIGKILL)
    _, rest = process.communicate(timeout=30)
    assert process.returncode == 5
    assert time.monotonic() - killed_at < 10
    assert "the emulated board stopped (rp2040js" in rest
    assert "Traceback" not in rest
    assert not psutil.pid_exists(emulator.pid)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_no_emulator_outlives_its_host(number: signal.Signals) -> None:
    process = start_until("running", "measure", CNN, "--iterations", 10_000)
    (emulator,) = psutil.Process(process.pid).children()
    process.send_signal(number)
    process.communicate(timeout=30)
    _, alive = psutil.wait_procs([emulator], timeout=10)
    assert not alive
