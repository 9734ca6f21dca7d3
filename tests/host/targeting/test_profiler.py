"""The requirement vector of real models, against what is known of them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from host.errors import ConfigError
from host.targeting.accuracy import compare
from host.targeting.profiler import profile_model
from host.targeting.vector import FIELDS, RequirementVector
from tests.support.make import ROOT
from tests.support.models import published_model
from tests.support.pc_agent import build_pc_agent

EXAMPLES = ROOT / "examples"


def test_the_vector_of_an_example(tmp_path: Path) -> None:
    build_pc_agent()
    profiled = profile_model(EXAMPLES / "digits_cnn.onnx", None)
    vector = profiled.vector
    assert (vector.input_shape, vector.output_shape) == ((1, 1, 8, 8), (1, 10))
    assert vector.flops > 2 * 496_128  # its multiply-accumulates, and the rest
    assert vector.details["macs"] == 496_128
    assert vector.details["peak_ram_source"] == "arena_measured"
    assert 4 < vector.peak_ram_kb < 8
    assert vector.int8_error_mean is not None
    assert vector.int4_error_mean is not None
    assert 0 < vector.int8_error_mean < vector.int4_error_mean < 0.05
    assert vector.throughput_fps == pytest.approx(1000 / vector.latency_cpu_ms)
    assert vector.latency_dxm1_ms is None
    assert vector.details["errors"]["int8"]["top1_agreement"] > 0.95
    assert set(profiled.candidates) == {"int8", "int4"}
    path = tmp_path / "profile.json"
    path.write_text(vector.to_json())
    assert RequirementVector.read(path) == vector
    assert list(json.loads(path.read_text())) == [*FIELDS, "details"]


def test_an_int8_model_has_no_error_that_is_known() -> None:
    build_pc_agent()
    profiled = profile_model(published_model("kws_dscnn_int8"), None)
    assert profiled.vector.int8_error_mean is None
    assert profiled.vector.details["macs"] == 2_656_768
    assert "quantized already" in profiled.notes[0]


def test_errors_and_agreements() -> None:
    expected = np.float32([[0.7, 0.2, 0.1], [0.4, 0.36, 0.24], [0.1, 0.1, 0.8]])
    found = np.float32([[0.6, 0.3, 0.1], [0.36, 0.4, 0.24], [0.1, 0.1, 0.8]])
    result = compare(expected, found)
    assert result["mean"] == pytest.approx(0.28 / 9, rel=1e-5)
    assert result["relative_mean"] == pytest.approx(0.28 / 9 / 0.7, rel=1e-5)
    assert result["worst"] == pytest.approx(0.1, rel=1e-5)
    assert result["top1_agreement"] == pytest.approx(2 / 3)
    assert result["top3_agreement"] == 1.0
    assert result["near_threshold_agreement"] == 0.0  # only the second is close, and it flips
    assert result["rank_correlation"] == pytest.approx((1 + 0.5 + 1) / 3)


def test_ranks_that_tie_share_their_mean() -> None:
    # The worked example of Spearman's rho with ties, against scipy.stats.spearmanr: 0.8660254.
    expected = np.float32([[0.5, 0.3, 0.2]])
    found = np.float32([[0.5, 0.25, 0.25]])
    assert compare(expected, found)["rank_correlation"] == pytest.approx(0.8660254)


def test_outputs_all_alike_have_no_rank_correlation() -> None:
    assert compare(np.float32([[0.5, 0.5]]), np.float32([[0.4, 0.6]]))["rank_correlation"] is None


def test_a_regression_has_no_classes() -> None:
    result = compare(np.float32([[1.0], [3.0]]), np.float32([[1.5], [3.0]]))
    assert (result["mean"], result["relative_mean"]) == (0.25, 0.125)
    assert result["top1_agreement"] is None


def test_calibration_of_the_wrong_shape_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.zeros((4, 7)))
    with pytest.raises(ConfigError, match="a sample of this model"):
        profile_model(EXAMPLES / "digits_mlp.onnx", tmp_path / "x.npy")
