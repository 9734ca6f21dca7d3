"""The handwritten digits, split once and for all.

    python -m examples.training.data DIR

writes the training images and their labels as `host quantize --mode qat` and `host distill` read
them: `DIR/images.npy` [1437, 8, 8, 1] float32, `DIR/labels.npy` [1437] int64.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import attrs
import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_digits

HELD_OUT_PER_DIGIT = 36
CALIBRATION_PER_DIGIT = 20
PIXEL_MAX = 16.0  # the set counts set bits in 4x4 blocks
SPLIT_SEED = 20


@attrs.frozen
class Digits:
    """Images [N, 8, 8, 1] float32 in 0..1 and labels [N] int64, a field pair a split.

    The calibration images are training images; the test images are seen by nothing
    but the evaluation.
    """

    train_images: NDArray[np.float32]
    train_labels: NDArray[np.int64]
    calibration_images: NDArray[np.float32]
    test_images: NDArray[np.float32]
    test_labels: NDArray[np.int64]


def load() -> Digits:
    """Splits scikit-learn's 1,797 digits by class: 360 held out, the others to train on."""
    raw = load_digits()
    images = (raw.images / PIXEL_MAX).astype(np.float32)[..., np.newaxis]
    labels = raw.target.astype(np.int64)
    rng = np.random.default_rng(SPLIT_SEED)
    train: list[NDArray[np.intp]] = []
    calibration: list[NDArray[np.intp]] = []
    test: list[NDArray[np.intp]] = []
    for digit in range(10):
        members = rng.permutation(np.flatnonzero(labels == digit))
        test.append(members[:HELD_OUT_PER_DIGIT])
        train.append(members[HELD_OUT_PER_DIGIT:])
        calibration.append(train[-1][:CALIBRATION_PER_DIGIT])
    train_index, calibration_index, test_index = (
        np.sort(np.concatenate(parts)) for parts in (train, calibration, test)
    )
    return Digits(
        train_images=images[train_index],
        train_labels=labels[train_index],
        calibration_images=images[calibration_index],
        test_images=images[test_index],
        test_labels=labels[test_index],
    )


def write_training_data(digits: Digits, folder: Path) -> None:
    """Writes `images.npy` and `labels.npy`; the folder is made where it is not there."""
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "images.npy", digits.train_images)
    np.save(folder / "labels.npy", digits.train_labels)


def main() -> None:
    """Command-line entry."""
    parser = argparse.ArgumentParser(
        prog="python -m examples.training.data",
        description="Writes the digits that the bundled models were trained with.",
    )
    parser.add_argument("folder", type=Path, metavar="DIR")
    folder: Path = parser.parse_args().folder
    digits = load()
    write_training_data(digits, folder)
    print(f"{folder}: {len(digits.train_images)} images with labels")


if __name__ == "__main__":
    main()
