"""Calibration data in every form, and each way in which it can be wrong."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from host.distillation.calibration import choose_calibration, read_calibration, spread, synthetic
from host.errors import ConfigError
from host.models import load_model
from tests.support.make import ROOT

EXAMPLES = ROOT / "examples"
CNN = load_model(EXAMPLES / "digits_cnn.onnx")  # 1x1x8x8 in its file, 1x8x8x1 in the graph
MLP = load_model(EXAMPLES / "digits_mlp.onnx")
DRAWN = np.random.default_rng(0).random((120, 1, 8, 8)).astype(np.float32)


def test_the_examples_folder_serves_both_models() -> None:
    for graph, shape in ((CNN, (200, 1, 8, 8, 1)), (MLP, (200, 1, 64))):
        calibration = read_calibration(EXAMPLES / "calibration", graph)
        assert calibration.samples.shape == shape
        assert calibration.notes == ()


def test_every_form_gives_the_same_samples(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", DRAWN)
    np.savez(tmp_path / "b.npz", first=DRAWN[:50], rest=DRAWN[50:])
    np.savetxt(tmp_path / "c.csv", DRAWN.reshape(120, 64), delimiter=",", fmt="%.9g")
    np.save(tmp_path / "d.npy", DRAWN.transpose(0, 2, 3, 1))  # NHWC
    found = [
        read_calibration(tmp_path / name, CNN).samples
        for name in ("a.npy", "b.npz", "c.csv", "d.npy")
    ]
    for samples in found[1:]:
        np.testing.assert_array_equal(samples, found[0])
    np.testing.assert_array_equal(found[0][3, 0, :, :, 0], DRAWN[3, 0])


def test_images_are_scaled_to_the_input(tmp_path: Path) -> None:
    for number in range(3):
        pixels = np.full((16, 16), 60 * number, np.uint8)
        pixels[:8] = 255
        Image.fromarray(pixels).save(tmp_path / f"{number}.png")
    calibration = read_calibration(tmp_path, CNN)
    assert calibration.samples.shape == (3, 1, 8, 8, 1)
    assert calibration.samples.max() == 1.0
    assert "3 samples; 100 to 1000 are better" in calibration.notes[0]


def test_one_sample_a_file(tmp_path: Path) -> None:
    for number in range(4):
        np.save(tmp_path / f"{number}.npy", DRAWN[number])
    assert read_calibration(tmp_path, CNN).samples.shape == (4, 1, 8, 8, 1)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.zeros((5, 3, 8, 8)), r"x.npy: has shape \[5, 3, 8, 8\]; a sample .* is \[1, 1, 8, 8\]"),
        (np.full((5, 1, 8, 8), np.nan), "sample 0 holds NaN or infinity"),
        (np.zeros((5, 1, 8, 8)), "all 5 samples are alike"),
        (np.full((5, 1, 8, 8), 1e60), "sample 0 holds NaN or infinity"),
        (np.array([["a"]]), "holds <U1, not real numbers"),
        (np.zeros((5, 1, 8, 8), np.complex64), "holds complex64, not real numbers"),
        (np.zeros((0, 1, 8, 8)), "holds 0 samples; give 100 to 1000"),
        (np.zeros((1, 1, 8, 8)), "holds 1 sample; give 100 to 1000"),
    ],
    ids=["shape", "nan", "constant", "overflow", "text", "complex", "none", "one"],
)
def test_what_cannot_be_used_is_refused(tmp_path: Path, values: np.ndarray, message: str) -> None:
    np.save(tmp_path / "x.npy", values)
    with pytest.raises(ConfigError, match=message):
        read_calibration(tmp_path, CNN)


def test_an_empty_folder(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="the folder holds no samples"):
        read_calibration(tmp_path, CNN)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("x.npy", b"\x93NUMPY"),
        ("x.npy", b""),
        ("x.npy", b"\x80\x02cos\nsystem\n(S'exit 1'\ntR."),
        ("x.npz", b"PK\x03\x04 and no more"),
        ("x.csv", b""),
        ("x.csv", b"a,b\n1,2\n"),
        ("x.csv", b"1,2\n1,2,3\n"),
        ("x.png", b"\x89PNG\r\n\x1a\n and no more"),
        ("x.png", b""),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_files_that_cannot_be_read(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ConfigError, match=rf"{name}: cannot be read: .+") as caught:
        read_calibration(tmp_path, CNN)
    assert "\n" not in str(caught.value)


def test_an_image_for_what_takes_none(tmp_path: Path) -> None:
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(tmp_path / "x.png")
    with pytest.raises(ConfigError, match=r"x\.png: .* input \[1, 64\] is no image"):
        read_calibration(tmp_path, MLP)


def test_oddities_are_noted(tmp_path: Path) -> None:
    many = np.tile(DRAWN, (10, 1, 1, 1))
    many[5] = 0.25
    many[DRAWN.shape[0] :, :, :4] = 1.0  # nearly half of the values
    np.save(tmp_path / "x.npy", many)
    calibration = read_calibration(tmp_path / "x.npy", CNN)
    assert len(calibration.samples) == 1000
    assert [note.partition(": ")[2] for note in calibration.notes] == [
        "1000 of 1200 samples are used",
        "1 sample is constant",
        "45% of the values are at the upper end (saturated?)",
    ]


def test_the_split_is_by_content_alone() -> None:
    calibration = read_calibration(EXAMPLES / "calibration", CNN)
    learned, held_out = calibration.split()
    assert len(learned) + len(held_out) == 200
    assert 0.2 < len(held_out) / 200 < 0.4
    shuffled = calibration.samples[::-1]
    again = type(calibration)(shuffled, calibration.source).split()[1]
    assert {sample.tobytes() for sample in again} == {sample.tobytes() for sample in held_out}


def test_without_data_random_samples_stand_in_and_say_so(tmp_path: Path) -> None:
    model = tmp_path / "m.onnx"
    calibration = choose_calibration(model, CNN, None)
    assert calibration.source == "synthetic"
    assert "256 seeded random samples" in calibration.notes[0]
    np.testing.assert_array_equal(calibration.samples, synthetic(CNN).samples)
    (tmp_path / "calibration").mkdir()
    np.save(tmp_path / "calibration" / "x.npy", DRAWN)
    assert choose_calibration(model, CNN, None).source == str(tmp_path / "calibration")


@pytest.mark.parametrize("count", [1, 2, 999, 1000, 1001, 5000])
def test_what_is_left_of_too_many_goes_from_the_first_to_the_last(count: int) -> None:
    samples = np.arange(count, dtype=np.float32)
    found = spread(samples)
    assert len(found) == len(np.unique(found)) == min(count, 1000)
    assert found[0] == 0
    assert found[-1] == count - 1
