"""profile.json: the nine fields alone are whole; anything wrong is named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from host.errors import ConfigError
from host.targeting.vector import FIELDS, RequirementVector

NINE = {
    "flops": 15200000,
    "peak_ram_kb": 148,
    "latency_cpu_ms": 82.4,
    "latency_dxm1_ms": 1.2,
    "throughput_fps": 12.1,
    "int8_error_mean": 0.0031,
    "int4_error_mean": 0.042,
    "input_shape": [1, 96, 96, 3],
    "output_shape": [1, 50],
}
DETAILS = {
    "model": {"path": "m.onnx", "sha256": "ab"},
    "output_range": [-5.0, 20.0],
    "errors": {"int8": {"mean": 0.4, "relative_mean": 0.016}},
    "plans": {"int8": {"plan_bytes": 9000, "arena_bytes": 4096, "ops": ["CONV_2D"]}},
}


def read(tmp_path: Path, values: Any) -> RequirementVector:
    path = tmp_path / "profile.json"
    path.write_text(json.dumps(values))
    return RequirementVector.read(path)


def test_nine_fields_are_whole_and_come_back(tmp_path: Path) -> None:
    vector = read(tmp_path, NINE)
    assert vector.to_dict() == NINE
    assert list(vector.to_dict()) == list(FIELDS) == list(NINE)
    assert (vector.model_path, vector.plan("int8")) == (None, None)


def test_details_come_back(tmp_path: Path) -> None:
    vector = read(tmp_path, {**NINE, "details": DETAILS})
    assert json.loads(vector.to_json()) == {**NINE, "details": DETAILS}
    plan = vector.plan("int8")
    assert plan is not None
    assert plan.ops == {"CONV_2D"}


def test_the_gate_takes_the_error_relative_to_a_wide_output(tmp_path: Path) -> None:
    error = read(tmp_path, {**NINE, "details": DETAILS}).error("int8")
    assert error is not None
    assert (error.mean, error.relative) == (0.016, True)


def test_the_gate_takes_the_error_as_it_is_of_probabilities(tmp_path: Path) -> None:
    details = {**DETAILS, "output_range": [0.0, 1.0]}
    error = read(tmp_path, {**NINE, "details": details}).error("int8")
    assert error is not None
    assert (error.mean, error.relative) == (0.0031, False)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"flops": "many"}, "flops: 'many' is not of type 'integer'"),
        ({"peak_ram_kb": 0}, "peak_ram_kb: 0 is less than or equal to the minimum"),
        ({"input_shape": [1, -3]}, r"input_shape\[1\]: -3 is less than the minimum"),
        ({"colour": "red"}, "'colour' was unexpected"),
        ({"details": {"output_range": [1]}}, r"details.output_range: \[1\] is too short"),
    ],
)
def test_a_wrong_field_is_named(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        read(tmp_path, {**NINE, **change})


@pytest.mark.parametrize("field", FIELDS)
def test_a_missing_field_is_named(tmp_path: Path, field: str) -> None:
    with pytest.raises(ConfigError, match=f"'{field}' is a required property"):
        read(tmp_path, {name: value for name, value in NINE.items() if name != field})


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"", "line 1, column 1"), (b"{", "line 1"), (b"\xff\xfe", "not UTF-8")],
)
def test_a_file_that_is_no_json(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "profile.json"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=message):
        RequirementVector.read(path)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.json: No such file"):
        RequirementVector.read(tmp_path / "nowhere.json")
