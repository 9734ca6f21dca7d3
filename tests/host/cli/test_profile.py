"""``host profile``: what it prints, and every field that the requirements ask of its file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from host.targeting.vector import FIELDS
from tests.host.cli.conftest import HostCommand
from tests.support.pc_agent import ROOT, build_pc_agent

CNN = ROOT / "examples" / "digits_cnn.onnx"
CALIBRATION = ROOT / "examples" / "calibration"


@pytest.fixture(scope="module", autouse=True)
def _agent() -> None:
    build_pc_agent()


def test_the_whole_vector(host_here: HostCommand, tmp_path: Path) -> None:
    output = tmp_path / "profile.json"
    done = host_here("profile", CNN, "--calibration-data", CALIBRATION, "--output", output)
    assert done.returncode == 0
    vector = json.loads(output.read_text())
    assert list(vector) == [*FIELDS, "details"]
    details = vector["details"]
    assert details["model"].keys() == {"path", "sha256", "framework"}
    assert details["model"]["framework"] == "onnx"
    calibration = details["calibration"]
    assert calibration["source"] == str(CALIBRATION)
    assert calibration["calibration_count"] + calibration["hold_out_count"] == 200
    assert len({calibration[name] for name in calibration if name.endswith("sha256")}) == 3
    for precision in ("int8", "int4"):
        errors = details["errors"][precision]
        assert errors["mean"] == vector[f"{precision}_error_mean"] <= errors["worst"]
        assert errors["relative_worst"] >= errors["relative_mean"] > 0
        assert 0.9 <= errors["top1_agreement"] <= errors["top3_agreement"] <= 1
        assert 0.5 <= errors["rank_correlation"] <= 1
        assert "near_threshold_agreement" in errors
        assert details["plans"][precision]["plan_bytes"] > 0
    assert details["plans"]["int4"]["plan_bytes"] < details["plans"]["int8"]["plan_bytes"]
    kinds = [layer["kind"] for layer in details["layers"]]
    assert kinds.count("CONV_2D") == 3
    assert all(0 <= layer["saturated_share"] <= 1 for layer in details["layers"])
    assert sum(op["macs"] for op in details["ops"]) == details["macs"] == 496_128
    assert vector["flops"] >= 2 * details["macs"]
    assert (
        sum(op["constant_bytes"] for op in details["ops"])
        < (details["plans"]["int8"]["plan_bytes"])
    )
    assert details["peak_ram_source"] == "arena_measured"
    assert details["peak_ram_board"] == {"id": "pc", "source": "hardware", "fidelity": "silicon"}
    assert vector["peak_ram_kb"] * 1024 == details["plans"]["int8"]["arena_bytes"]
    assert details["process_peak_kb"] > vector["peak_ram_kb"]
    assert vector["latency_dxm1_ms"] is None
    assert "--accelerator" in details["latency_dxm1_reason"]
    assert details["cpu"]["name"]
    assert details["tools"]["ai-edge-quantizer"]


def test_memory_of_a_board(host_here: HostCommand) -> None:
    done = host_here("profile", CNN, "--measure", "pico", "--accelerator", "dxm1", "--json")
    assert done.returncode == 0
    details = json.loads(done.stdout)["details"]
    assert details["peak_ram_board"]["id"] == "pico"
    assert details["peak_ram_board"]["source"] == "emulated"
    assert "dx_engine" in details["latency_dxm1_reason"]


def test_the_text_says_where_figures_come_from(host_here: HostCommand, tmp_path: Path) -> None:
    model = tmp_path / "digits_cnn.onnx"
    model.write_bytes(CNN.read_bytes())
    done = host_here("profile", model)
    assert "Peak RAM     5.40 KB (arena_measured on pc, hardware silicon)\n" in done.stdout
    assert "Calibration  synthetic: " in done.stdout
    assert "note: no calibration data: 256 seeded random samples stand in" in done.stderr
