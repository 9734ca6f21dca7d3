"""Training data: samples with their labels, read, checked and split by each sample's own hash."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import attrs
import numpy as np
from numpy.typing import NDArray

from host.distillation.calibration import (
    LABELS_FILE,
    check_samples,
    read_samples,
)
from host.errors import ConfigError
from host.models.graph import Graph

LEAST_SAMPLES = 20
"""Of fewer there is neither anything to learn nor anything to judge by."""
VALIDATION_SHARE, HOLD_OUT_SHARE = 0.15, 0.15


@attrs.frozen(eq=False)
class TrainingData:
    """Samples as the graph takes them, and what is to come out.

    ``inputs``: float32 [n, *shape of the graph's input], one array an input. ``labels``: int64 [n]
    of classes, float32 [n, elements of the output] of a regression, or None. ``teacher``: float32
    [n, elements], another model's scores for the same samples, or None.
    """

    inputs: tuple[NDArray[np.float32], ...]
    labels: NDArray[Any] | None = None
    teacher: NDArray[np.float32] | None = None
    source: str = ""
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.inputs[0])

    @property
    def is_classified(self) -> bool:
        """Whether the labels are classes."""
        return self.labels is not None and self.labels.ndim == 1

    @property
    def sha256(self) -> str:
        """Over the bytes of samples and labels, little-endian."""
        digest = hashlib.sha256()
        for values in self.inputs:
            digest.update(np.ascontiguousarray(values, "<f4").tobytes())
        if self.labels is not None:
            digest.update(self.labels.astype("<f8").tobytes())
        return digest.hexdigest()

    def at(self, chosen: NDArray[Any]) -> TrainingData:
        """The samples at those places, or where a mask is set."""
        return attrs.evolve(
            self,
            inputs=tuple(values[chosen] for values in self.inputs),
            labels=None if self.labels is None else self.labels[chosen],
            teacher=None if self.teacher is None else self.teacher[chosen],
        )

    def split(
        self, validation: float = VALIDATION_SHARE, hold_out: float = HOLD_OUT_SHARE
    ) -> Split:
        """By each sample's own hash: the same sample always falls alike, and so do its copies.

        Raises:
            ConfigError: a part is empty, or a class has no sample left to train with.
        """
        fractions = np.array([_fraction(self.inputs, place) for place in range(len(self))])
        parts = Split(
            train=self.at(fractions >= validation + hold_out),
            validation=self.at((hold_out <= fractions) & (fractions < validation + hold_out)),
            hold_out=self.at(fractions < hold_out),
        )
        for part, share in (
            (parts.train, 1 - validation - hold_out),
            (parts.validation, validation),
            (parts.hold_out, hold_out),
        ):
            if len(part) == 0 and share > 0:
                raise ConfigError(
                    f"{self.source}: {len(self)} samples, most of them copies, cannot be split "
                    "into training, validation and hold-out"
                )
        if self.is_classified:
            assert self.labels is not None
            assert parts.train.labels is not None
            lost = np.setdiff1d(self.labels, parts.train.labels)
            if len(lost):
                raise ConfigError(
                    f"{self.source}: class {lost[0]} has too few samples: "
                    "none is left to train with after the split"
                )
        return parts


@attrs.frozen(eq=False)
class Split:
    """What is trained with, what chooses the best epoch, and what judges the result."""

    train: TrainingData
    validation: TrainingData
    hold_out: TrainingData


def read_training_data(
    path: Path, graph: Graph, *, labels: Path | None = None, samples: int | None = None
) -> TrainingData:
    """Reads a file or a folder of samples as ``host.distillation.calibration`` does, and labels.

    Labels are in ``labels``, or in ``labels.npy`` beside the samples where that is: integers [n]
    (classes) or real numbers [n, ...] (a regression's outputs). In a folder of folders, each of
    these is a class, in the order of their names. Without labels ``TrainingData.labels`` is None.

    Args:
        samples: how many are used, drawn by their hashes; None: all.

    Raises:
        ConfigError: samples or labels cannot be read, do not fit the model or each other, are
            fewer than asked for, or lack a class.
    """
    folders = sorted(p for p in path.iterdir() if p.is_dir()) if path.is_dir() else []
    inputs: NDArray[np.float32]
    values: NDArray[Any] | None
    if folders and not any(p.is_file() and not p.name.startswith(".") for p in path.iterdir()):
        if labels is not None:
            raise ConfigError(f"{path}: its folders are the classes; leave {labels} out")
        inputs, values = _read_classes(folders, graph)
    else:
        inputs = read_samples(path, graph)
        values = _read_labels(path, labels)
    notes = check_samples(path, inputs)
    data = TrainingData((inputs,), values, source=str(path), notes=notes)
    data = attrs.evolve(data, labels=_fitted_labels(data, graph))
    return _drawn(data, samples)


def _read_classes(
    folders: Sequence[Path], graph: Graph
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    parts = [read_samples(folder, graph) for folder in _ordered(folders)]
    counts = [len(part) for part in parts]
    return np.concatenate(parts), np.repeat(np.arange(len(parts), dtype=np.int64), counts)


def _ordered(folders: Sequence[Path]) -> list[Path]:
    """By number where all are numbers, by name else."""
    if all(folder.name.isdecimal() for folder in folders):
        return sorted(folders, key=lambda folder: int(folder.name))
    return sorted(folders)


def _read_labels(path: Path, named: Path | None) -> NDArray[Any] | None:
    file = named or (path if path.is_dir() else path.parent) / LABELS_FILE
    if named is None and not file.is_file():
        return None
    try:
        values = np.load(file, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise ConfigError(f"{file}: cannot be read: {error}") from error
    if not isinstance(values, np.ndarray) or values.dtype.kind not in "iuf" or values.ndim == 0:
        raise ConfigError(f"{file}: holds no array of numbers")
    return values


def _fitted_labels(data: TrainingData, graph: Graph) -> NDArray[Any] | None:
    """The labels as :class:`TrainingData` has them.

    Raises:
        ConfigError: they do not fit samples or model, or a class has no sample.
    """
    if data.labels is None:
        return None
    where = f"{data.source}: "
    if len(data.labels) != len(data):
        raise ConfigError(f"{where}{len(data)} samples and {len(data.labels)} labels")
    elements = sum(graph.tensors[index].elements for index in graph.outputs)
    if data.labels.dtype.kind == "f":
        if not np.isfinite(data.labels).all():
            raise ConfigError(f"{where}the labels hold NaN or infinity")
        if data.labels[0].size != elements:
            raise ConfigError(
                f"{where}labels of shape {list(data.labels.shape)}; the model has "
                f"{elements} outputs (classes are given as integers [n])"
            )
        return data.labels.reshape(len(data), elements).astype(np.float32)
    if data.labels.size != len(data):
        raise ConfigError(
            f"{where}labels of shape {list(data.labels.shape)}; classes are integers [n]"
        )
    return _fitted_classes(data.labels.reshape(-1).astype(np.int64), elements, where)


def _fitted_classes(labels: NDArray[np.int64], elements: int, where: str) -> NDArray[np.int64]:
    classes = max(elements, 2)  # one output tells two classes apart
    if labels.min() < 0 or labels.max() >= classes:
        wrong = labels[(labels < 0) | (labels >= classes)][0]
        raise ConfigError(f"{where}label {wrong}; the model tells 0 to {classes - 1} apart")
    absent = np.setdiff1d(np.arange(classes), labels)
    if len(absent):
        listed = ", ".join(map(str, absent[:10]))
        raise ConfigError(
            f"{where}no sample of class {listed}; what is not shown is forgotten in training"
        )
    return labels


def _drawn(data: TrainingData, samples: int | None) -> TrainingData:
    if samples is not None and samples > len(data):
        raise ConfigError(f"{data.source}: holds {len(data)} samples; {samples} were asked for")
    wanted = len(data) if samples is None else samples
    if wanted < LEAST_SAMPLES:
        raise ConfigError(
            f"{data.source}: {wanted} samples; at least {LEAST_SAMPLES} are needed to train"
        )
    if wanted == len(data):
        return data
    order = np.argsort([_fraction(data.inputs, place, b"draw") for place in range(len(data))])
    drawn = data.at(np.sort(order[:wanted]))
    if data.is_classified:
        assert data.labels is not None
        assert drawn.labels is not None
        lost = np.setdiff1d(data.labels, drawn.labels)
        if len(lost):
            raise ConfigError(f"{data.source}: no sample of class {lost[0]} is among {wanted}")
    return drawn


def _fraction(inputs: tuple[NDArray[np.float32], ...], place: int, salt: bytes = b"") -> float:
    """0 to 1, as evenly as a hash is spread."""
    digest = hashlib.sha256(salt)
    for values in inputs:
        digest.update(np.ascontiguousarray(values[place], "<f4").tobytes())
    return int.from_bytes(digest.digest()[:4], "big") / 2**32
