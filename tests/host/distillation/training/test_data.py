"""Training data: what is read, how it is split, and what is refused, with the reason."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from host.distillation.calibration import read_calibration
from host.distillation.training.data import TrainingData, read_training_data
from host.errors import ConfigError
from host.models import load_model
from tests.support.make import ROOT

GRAPH = load_model(ROOT / "examples" / "digits_cnn.onnx")
IMAGES = np.load(ROOT / "examples" / "test" / "images.npy")
LABELS = np.load(ROOT / "examples" / "test" / "labels.npy")


def write(folder: Path, images: np.ndarray = IMAGES, labels: np.ndarray | None = LABELS) -> Path:
    np.save(folder / "images.npy", images)
    if labels is not None:
        np.save(folder / "labels.npy", labels)
    return folder


# What is read


def test_samples_with_labels_beside_them(tmp_path: Path) -> None:
    data = read_training_data(write(tmp_path), GRAPH)
    assert data.inputs[0].shape == (360, 1, 8, 8, 1)
    np.testing.assert_array_equal(data.labels, LABELS)
    assert data.is_classified
    # A file alone has its labels beside it, too; and calibration leaves them out.
    assert len(read_training_data(tmp_path / "images.npy", GRAPH).labels) == 360
    assert len(read_calibration(tmp_path, GRAPH).samples) == 360


def test_without_labels_there_are_none(tmp_path: Path) -> None:
    assert read_training_data(write(tmp_path, labels=None), GRAPH).labels is None


def test_labels_may_be_elsewhere(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere.npy"
    np.save(elsewhere, LABELS[:, np.newaxis])
    samples = tmp_path / "samples"
    samples.mkdir()
    data = read_training_data(write(samples, labels=None), GRAPH, labels=elsewhere)
    np.testing.assert_array_equal(data.labels, LABELS)


def test_numbers_to_come_near_to(tmp_path: Path) -> None:
    wanted = np.random.default_rng(0).random((360, 10))
    data = read_training_data(write(tmp_path, labels=wanted), GRAPH)
    assert not data.is_classified
    np.testing.assert_array_equal(data.labels, wanted.astype(np.float32))


def test_a_folder_of_images_is_a_class(tmp_path: Path) -> None:
    for name in range(10):
        (tmp_path / str(name)).mkdir()
        for place in range(3):
            pixels = np.full((8, 8), 20 * name + 3 * place, np.uint8)
            Image.fromarray(pixels).save(tmp_path / str(name) / f"{place}.png")
    data = read_training_data(tmp_path, GRAPH)
    np.testing.assert_array_equal(data.labels, np.repeat(np.arange(10), 3))
    np.testing.assert_allclose(data.inputs[0][7], 43 / 255.0)  # class 2's second


def test_fewer_samples_are_drawn_by_hash(tmp_path: Path) -> None:
    whole = read_training_data(write(tmp_path), GRAPH)
    part = read_training_data(tmp_path, GRAPH, samples=200)
    assert len(part) == 200
    shuffled = tmp_path / "shuffled"
    shuffled.mkdir()
    order = np.random.default_rng(0).permutation(360)
    again = read_training_data(write(shuffled, IMAGES[order], LABELS[order]), GRAPH, samples=200)
    assert {each.tobytes() for each in part.inputs[0]} == {
        each.tobytes() for each in again.inputs[0]
    }
    assert {each.tobytes() for each in part.inputs[0]} < {
        each.tobytes() for each in whole.inputs[0]
    }


# How it is split


def parts_of(data: TrainingData) -> list[set[tuple[bytes, int]]]:
    split = data.split()
    return [
        {(x.tobytes(), int(y)) for x, y in zip(part.inputs[0], part.labels, strict=True)}
        for part in (split.train, split.validation, split.hold_out)
    ]


def test_a_sample_falls_alike_wherever_it_stands() -> None:
    data = TrainingData((IMAGES,), LABELS)
    order = np.random.default_rng(1).permutation(360)
    parts = parts_of(data)
    assert parts == parts_of(data.at(order))
    assert not parts[0] & parts[1]
    assert not parts[0] & parts[2]
    assert not parts[1] & parts[2]
    assert len(set.union(*parts)) == 360
    assert len(parts[0]) == pytest.approx(0.7 * 360, rel=0.1)


def test_copies_fall_alike() -> None:
    data = TrainingData((np.concatenate([IMAGES, IMAGES]),), np.concatenate([LABELS, LABELS]))
    assert parts_of(data) == parts_of(TrainingData((IMAGES,), LABELS))


def test_a_teachers_scores_go_with_their_samples() -> None:
    scores = np.arange(3600, dtype=np.float32).reshape(360, 10)
    data = TrainingData((IMAGES,), LABELS, teacher=scores)
    part = data.split().validation
    places = [np.flatnonzero((IMAGES == each).all(axis=(1, 2, 3)))[0] for each in part.inputs[0]]
    np.testing.assert_array_equal(part.teacher, scores[places])


# What is refused


def classes(change: Callable[[np.ndarray], None]) -> np.ndarray:
    labels = LABELS.copy()
    change(labels)
    return labels


def lacking(absent: int) -> np.ndarray:
    return classes(lambda labels: np.place(labels, labels == absent, (absent + 1) % 10))


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (LABELS[:300], "360 samples and 300 labels"),
        (lacking(7), "no sample of class 7; what is not shown is forgotten in training"),
        (classes(lambda labels: np.put(labels, 3, 10)), "label 10; the model tells 0 to 9 apart"),
        (classes(lambda labels: np.put(labels, 3, -1)), "label -1; the model tells 0 to 9 apart"),
        (LABELS.astype(np.float32), r"labels of shape \[360\]; the model has 10 outputs"),
        (np.full((360, 10), np.nan), "the labels hold NaN or infinity"),
        (np.stack([LABELS, LABELS], 1), r"labels of shape \[360, 2\]; classes are integers"),
        (np.array(["a"] * 360), "holds no array of numbers"),
    ],
    ids=["fewer", "absent", "more", "negative", "shape", "nan", "two", "text"],
)
def test_labels_that_cannot_be_used(labels: np.ndarray, message: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=message):
        read_training_data(write(tmp_path, labels=labels), GRAPH)


def test_labels_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.npy: cannot be read"):
        read_training_data(write(tmp_path), GRAPH, labels=tmp_path / "nowhere.npy")
    (tmp_path / "labels.npy").write_bytes(b"\x93NUMPY\x01")
    with pytest.raises(ConfigError, match=r"labels\.npy: cannot be read"):
        read_training_data(tmp_path, GRAPH)


@pytest.mark.parametrize(
    ("count", "asked", "message"),
    [
        (360, 361, "holds 360 samples; 361 were asked for"),
        (19, None, "19 samples; at least 20 are needed to train"),
        (360, 19, "19 samples; at least 20 are needed to train"),
    ],
)
def test_fewer_samples_than_asked(
    count: int, asked: int | None, message: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=message):
        read_training_data(write(tmp_path, IMAGES[:count], None), GRAPH, samples=asked)


def test_a_class_that_the_split_or_the_draw_leaves_nothing_of(tmp_path: Path) -> None:
    labels = lacking(7)
    data = TrainingData((IMAGES,), LABELS, source="d")
    held = {each.tobytes() for each in data.split().hold_out.inputs[0]}
    lonely = next(place for place, each in enumerate(IMAGES) if each.tobytes() in held)
    labels[lonely] = 7
    whole = read_training_data(write(tmp_path, labels=labels), GRAPH)
    with pytest.raises(ConfigError, match="class 7 has too few samples: none is left to train"):
        whole.split()


def test_samples_of_another_shape(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"has shape \[360, 7, 8, 1\]; a sample of this model"):
        read_training_data(write(tmp_path, IMAGES[:, :7]), GRAPH)


def test_folders_and_labels_contradict_each_other(tmp_path: Path) -> None:
    (tmp_path / "0").mkdir()
    with pytest.raises(ConfigError, match="its folders are the classes"):
        read_training_data(tmp_path, GRAPH, labels=tmp_path / "labels.npy")
    with pytest.raises(ConfigError, match="0: the folder holds no samples"):
        read_training_data(tmp_path, GRAPH)
