"""``host target`` as its users run it: the form of its text, target.json, and where it measures."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import jsonschema
import psutil
import pytest

import devices
from host.emulators import find_emulator
from protocol.measurement import SCHEMA_PATH
from tests.host.cli.conftest import ENVIRONMENT, HostCommand, command
from tests.host.targeting.test_vector import NINE
from tests.support.pc_agent import ROOT, build_pc_agent

EXAMPLES = ROOT / "examples"
MLP, CNN = EXAMPLES / "digits_mlp.onnx", EXAMPLES / "digits_cnn.onnx"
TEN = [
    *("uno", "pico", "esp32", "uno_q"),
    *("jumpstation", "jumpstation_rk", "turbo", "turbo_rk", "orion_o6", "orion"),
]

NUMBER = r"\d+(?:\.\d+)?"
LABEL = r"[A-Za-z0-9 ,+-]+? @ \d+MHz"
BASIS = r"(?:emulated, (?:cycle|cycle-estimate)|cost model|scaled [a-z ]+|roofline)"
MEASURED = rf"    Measured latency: {NUMBER}ms \({LABEL}(?:, emulated, cycle ±{NUMBER}%)?\)\n"
ESTIMATED = (
    rf"    Estimated latency: ~{NUMBER}ms "
    rf"\({LABEL}, {BASIS}[^()\n]*, {NUMBER}\.\.{NUMBER}ms\)\n"
)
FORM = re.compile(
    r"Target analysis complete\.\n"
    r"  Model: \S+\n"
    rf"  FLOPs: {NUMBER}[KMGT]?\n"
    rf"  Peak RAM: {NUMBER} KB\n"
    r"  INT8 error: \d+\.\d\d%(?: of output range)? \((?:within|exceeds) tolerance\)\n"
    r"\n"
    r"  Minimum viable target: (?P<target>[a-z0-9_]+)\n"
    r"    Backend: [a-z0-9_]+ \(engine [a-z0-9_]+\)\n"
    r"    Precision: (?P<precision>int8|int4|float16|float32)\n"
    rf"(?P<latency>{MEASURED}|{ESTIMATED})"
    r"(?:\n  Next tier up if latency unacceptable: (?P<next>[a-z0-9_]+)\n"
    rf"(?:{MEASURED}|{ESTIMATED}))?"
)
"""The requirements' text, letter for letter but for the values."""


@pytest.fixture(scope="module", autouse=True)
def _agent() -> None:
    build_pc_agent()


@pytest.fixture
def nine(tmp_path: Path) -> Path:
    path = tmp_path / "profile.json"
    path.write_text(json.dumps(NINE))
    return path


def matched(text: str) -> re.Match[str]:
    found = FORM.fullmatch(text)
    assert found is not None, text
    return found


def test_nine_fields_alone(host_here: HostCommand, nine: Path, tmp_path: Path) -> None:
    output = tmp_path / "target.json"
    done = host_here(
        *("target", "--profile", nine, "--tolerance", "0.02", "--output", output, "--no-history")
    )
    assert done.returncode == 0
    form = matched(done.stdout)
    assert (form["target"], form["precision"], form["next"]) == ("pico", "int8", "esp32")
    assert "Estimated" in form["latency"]
    assert "INT8 error: 0.31% (within tolerance)\n" in done.stdout
    assert "latencies are simulated" in done.stderr
    declared = json.loads(output.read_text())
    assert declared["evidence"]["source"] == "simulated"
    pico = by_id(declared, "pico")["sites"][0]
    unchecked = [check["name"] for check in pico["checks"] if check["status"] == "not checked"]
    assert unchecked == ["storage", "backend"]
    assert pico["measurement"] is None


def by_id(declared: dict[str, Any], device: str) -> dict[str, Any]:
    found: dict[str, Any] = next(d for d in declared["devices"] if d["id"] == device)
    return found


def test_the_mlp_is_measured_on_the_smallest_board(host_here: HostCommand, tmp_path: Path) -> None:
    output = tmp_path / "target.json"
    done = host_here("target", MLP, "--output", output, "--no-history")
    assert done.returncode == 0
    form = matched(done.stdout)
    assert form["target"] == "uno"
    assert re.fullmatch(MEASURED, form["latency"])
    assert "XNNPACK" not in done.stderr
    lines = [line.split()[0] for line in done.stderr.splitlines() if line.startswith("  ")]
    assert lines == TEN  # a line a device, none broken over two
    assert "output exact" in next(x for x in done.stderr.splitlines() if x.startswith("  uno "))
    check_declaration(json.loads(output.read_text()), "uno", "mcu")


def check_declaration(declared: dict[str, Any], target: str, domain: str) -> None:
    """What the requirements ask of target.json."""
    assert {
        "target": target,
        "domain": domain,
        "backend": "tflite_micro",
        "engine": "jump_rt",
        "precision": "int8",
        "met": True,
        "tolerance": 0.02,
        "targeting_version": "0.1.0",
    }.items() <= declared.items()
    assert declared["evidence"]["source"] == "emulated"
    assert declared["evidence"]["max_ms"] >= declared["evidence"]["median_ms"] > 0
    assert [device["id"] for device in declared["devices"]] == TEN
    costs = [device["cost"] for device in declared["devices"]]
    assert costs == sorted(costs)
    for device in declared["devices"]:
        for place in device["sites"]:
            assert place["checks"][0]["needed"] == pytest.approx(
                declared["profile"]["peak_ram_kb"] * declared["limits"]["safety_margin"]
            )
            assert all(check["text"] for check in place["checks"])
    record = by_id(declared, target)["sites"][0]["measurement"]
    jsonschema.validate(record, json.loads(SCHEMA_PATH.read_text()))
    assert record["output"]["verdict"] == "exact"
    assert record["model"]["sha256"] == declared["profile"]["details"]["candidates"]["int8"]


def test_a_board_at_a_port_is_measured_there(host_here: HostCommand, tmp_path: Path) -> None:
    board = find_emulator("pico").start()
    try:
        port = f"pico=tcp://{board.host}:{board.port}"
        done = host_here("target", CNN, "--port", port, "--no-history", "--json")
    finally:
        board.stop()
    assert done.returncode == 0
    declared = json.loads(done.stdout)
    check_declaration(declared, "pico", "mcu")
    record = by_id(declared, "pico")["sites"][0]["measurement"]
    assert record["link"]["transport"] == "tcp"
    assert record["evidence"]["source"] == "emulated"  # as the board itself says


def test_another_board_at_the_port_ends_it(host_here: HostCommand, agent_port: int) -> None:
    port = f"pico=tcp://127.0.0.1:{agent_port}"
    done = host_here("target", CNN, "--port", port, "--no-history")
    assert done.returncode == 5
    assert f"the board at tcp://127.0.0.1:{agent_port} is 'pc', not 'pico'" in done.stderr
    assert done.stdout == ""


def test_a_board_of_the_users_own_at_a_port(host_here: HostCommand, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "devices" / "pico", tmp_path / "mine")
    path = tmp_path / "mine" / "profile.json"
    mine = {**json.loads(path.read_text()), "id": "mine", "rank": None}
    path.write_text(json.dumps(mine))
    board = find_emulator("pico").start()
    try:
        port = f"mine=tcp://{board.host}:{board.port}"
        done = host_here(
            "target", MLP, "--devices", tmp_path, "--port", port, "--no-history", "--all"
        )
    finally:
        board.stop()
    assert done.returncode == 5  # it was asked for who it is
    assert "is 'pico', not 'mine'" in done.stderr


def test_no_board_meets_it(host_here: HostCommand, nine: Path, tmp_path: Path) -> None:
    output = tmp_path / "target.json"
    done = host_here(
        *("target", "--profile", nine, "--latency-budget-ms", "1e-9"),
        *("--output", output, "--no-history"),
    )
    assert done.returncode == 3
    assert "  Warning: no device meets the requirements; this one comes closest.\n" in done.stdout
    assert re.search(r"    Violated: worst case: needs [\d.e-]+ ms, has 1e-09\n", done.stdout)
    assert "Next tier" not in done.stdout
    declared = json.loads(output.read_text())
    assert (declared["met"], declared["next_tier"]) == (False, None)
    assert not any(device["passed"] for device in declared["devices"])


def test_a_user_interface_needs_linux(host_here: HostCommand, nine: Path) -> None:
    done = host_here("target", "--profile", nine, "--ui", "--no-history", "--json")
    assert done.returncode == 0
    declared = json.loads(done.stdout)
    assert (declared["target"], declared["domain"]) == ("uno_q", "mpu")
    for device in TEN[:3]:
        assert not by_id(declared, device)["passed"]


def test_a_measurement_of_the_history_outlives_the_model(
    host_here: HostCommand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, profile = tmp_path / "m.onnx", tmp_path / "profile.json"
    shutil.copyfile(CNN, model)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    history = ("--history", tmp_path / "history.db")
    data = EXAMPLES / "calibration"
    first = host_here("target", model, "--calibration-data", data, "--json", *history)
    profile.write_text(json.dumps(json.loads(first.stdout)["profile"]))
    again = host_here("target", "--profile", profile, "--json", *history)
    pico = by_id(json.loads(again.stdout), "pico")
    assert pico["sites"][0]["measurement"] is not None  # the candidates are kept
    model.unlink()
    shutil.rmtree(tmp_path / "cache")
    later = host_here("target", "--profile", profile, *history)
    assert "which is gone or has changed" in later.stderr
    form = matched(later.stdout)
    assert form["target"] == "pico"
    assert re.fullmatch(MEASURED, form["latency"])  # from the history


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupt_leaves_no_emulator_behind(number: signal.Signals, code: int) -> None:
    arguments = ("target", CNN, "--all", "--no-history")
    with subprocess.Popen(
        command(*arguments), cwd=ROOT, env=ENVIRONMENT, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if "trying the boards" in line:
                break
        emulators = _children(process.pid)
        os.kill(process.pid, number)
        started = time.monotonic()
        _, rest = process.communicate(timeout=30)
    assert emulators, "nothing was being measured"
    assert process.returncode == code
    assert time.monotonic() - started < 5
    assert "Traceback" not in rest
    _, alive = psutil.wait_procs(emulators, timeout=2)
    assert not alive


def _children(pid: int) -> list[psutil.Process]:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        if found := psutil.Process(pid).children(recursive=True):
            return found
        time.sleep(0.02)
    return []


@pytest.mark.parametrize(
    ("module", "arguments"),
    [
        ("profiler", ["--model", MLP, "--calibration-data", EXAMPLES / "calibration"]),
        ("target_selector", ["--profile", "profile.json", "--tolerance", "0.02", "--no-history"]),
        ("quantizer", ["--model", MLP, "--mode", "ptq", "--precision", "int8"]),
    ],
)
def test_the_original_commands(nine: Path, module: str, arguments: list[object]) -> None:
    package = "distillation" if module == "quantizer" else "targeting"
    output = nine.parent / "out"
    more = ["--calibration", EXAMPLES / "calibration"] if module == "quantizer" else []
    done = _module(f"host.{package}.{module}", *arguments, *more, "--output", output, at=nine)
    assert done.returncode == 0, done.stderr
    if module == "quantizer":
        assert output.read_bytes()[4:8] == b"TFL3"
    else:
        assert json.loads(output.read_text())


@pytest.mark.parametrize(
    "name",
    ["host.targeting.profiler", "host.targeting.target_selector", "host.distillation.quantizer"],
)
def test_a_modules_usage_names_the_module_alone(nine: Path, name: str) -> None:
    done = _module(name, "--help", at=nine)
    assert f"Usage: python -m {name} [OPTIONS] [MODEL]" in done.stdout


def _module(name: str, *arguments: object, at: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", name, *map(str, arguments)],
        cwd=at.parent,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def test_all_ten_are_candidates() -> None:
    assert sorted(p.id for p in devices.load_all() if p.candidate) == sorted(TEN)
