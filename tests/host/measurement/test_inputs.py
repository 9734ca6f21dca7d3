"""Inputs from files: what is taken, what is converted, what is refused and how."""

from __future__ import annotations

import zlib
from pathlib import Path

import numpy as np
import pytest

from host.compiler import TensorContract
from host.errors import ConfigError
from host.measurement.inputs import quantize, read_inputs, seeded_inputs

CONTRACT = TensorContract(
    name="image", shape=(1, 2, 3), dtype="int8", scale=0.5, zero_point=-3, size_bytes=6
)


def _saved(folder: Path, array: np.ndarray) -> Path:
    path = folder / "x.npy"
    np.save(path, array)
    return path


def test_takes_bytes_of_the_right_shape(tmp_path: Path) -> None:
    array = np.arange(-3, 3, dtype=np.int8).reshape(1, 2, 3)
    inputs = read_inputs([CONTRACT], [_saved(tmp_path, array)])
    assert inputs.data == (array.tobytes(),)
    assert (inputs.source, inputs.seed, inputs.notes) == ("x.npy", None, ())
    assert inputs.crc32 == zlib.crc32(array.tobytes())


def test_quantizes_floats_half_away_from_zero_and_says_so(tmp_path: Path) -> None:
    array = np.array([[[0.25, -0.25, 0.75], [1e6, -1e6, 1.0]]], dtype=np.float64)
    inputs = read_inputs([CONTRACT], [_saved(tmp_path, array)])
    values = np.frombuffer(inputs.data[0], np.int8).tolist()
    assert values == [1 - 3, -1 - 3, 2 - 3, 127, -128, 2 - 3]
    assert "float64" in inputs.notes[0]
    assert "zero point -3" in inputs.notes[0]


def test_float_inputs_stay_floats(tmp_path: Path) -> None:
    contract = TensorContract("x", (2,), "float32", scale=1.0, zero_point=0, size_bytes=8)
    inputs = read_inputs([contract], [_saved(tmp_path, np.array([0.1, -2.0]))])
    assert inputs.data == (np.array([0.1, -2.0], np.float32).tobytes(),)
    assert inputs.notes == ()
    with pytest.raises(ConfigError, match="dtype int8 does not fit"):
        read_inputs([contract], [_saved(tmp_path, np.zeros(2, np.int8))])


def test_draws_numbers_for_float32_and_nothing_for_what_is_no_number() -> None:
    contract = TensorContract("x", (500,), "float32", scale=1.0, zero_point=0, size_bytes=2000)
    values = np.frombuffer(seeded_inputs([contract], seed=3).data[0], np.float32)
    assert -1 <= values.min() < -0.9 < 0.9 < values.max() < 1
    flags = TensorContract("mask", (4,), "bool", scale=1.0, zero_point=0, size_bytes=4)
    with pytest.raises(ConfigError, match="'mask' has dtype bool"):
        seeded_inputs([flags], seed=3)


def test_refuses_values_that_no_integer_stands_for() -> None:
    with pytest.raises(ConfigError, match="not finite"):
        quantize(np.array([[[np.nan, 0, 0], [0, 0, 0]]]), CONTRACT)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((2, 3), np.int8), r"shape \[2, 3\] does not fit .*shape \[1, 2, 3\] and .* int8"),
        (np.zeros((1, 2, 3), np.uint8), "dtype uint8 does not fit .*takes int8"),
    ],
)
def test_refuses_other_shapes_and_dtypes(tmp_path: Path, array: np.ndarray, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        read_inputs([CONTRACT], [_saved(tmp_path, array)])


@pytest.mark.parametrize("content", [b"", b"not an array", b"\x93NUMPY\x01\x00"])
def test_refuses_what_is_no_array(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.npy"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=r"not a NumPy \.npy file"):
        read_inputs([CONTRACT], [path])


def test_refuses_the_wrong_number_of_files(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"given 1 times, the model has 2 inputs: image \[1, 2"):
        read_inputs([CONTRACT, CONTRACT], [tmp_path / "x.npy"])


def test_seeded_inputs_are_drawn_one_from_another() -> None:
    inputs = seeded_inputs([CONTRACT, CONTRACT], seed=5)
    assert [len(data) for data in inputs.data] == [6, 6]
    assert inputs.data[0] != inputs.data[1]
    assert (inputs.source, inputs.seed) == ("seeded", 5)
