"""Calibration data: read, checked, and split into what is learned from and what is judged by."""

from __future__ import annotations

import hashlib
import io
import warnings
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import attrs
import numpy as np
from numpy.typing import NDArray

from host.errors import ConfigError
from host.models.graph import Graph, Tensor

MIN_SAMPLES, MAX_SAMPLES = 100, 1000
"""How many are asked for; fewer give ranges by luck, more cost time and change nothing."""

SYNTHETIC = "synthetic"
"""The source of samples that are drawn."""
SYNTHETIC_SAMPLES = 256
_LEAST_SAMPLES = 2
"""One to learn ranges from, one to judge by."""

LABELS_FILE = "labels.npy"
"""Beside samples that are trained or judged with; no samples itself."""

_SATURATED_SHARE = 0.25
_HOLD_OUT_OF_TEN = 3
_IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp")


@attrs.frozen(eq=False)
class Calibration:
    """Samples as the graph takes them: float32 [n, *shape of its input].

    ``source`` is the path they came from, or ``synthetic``; ``notes`` what is odd about them.
    """

    samples: NDArray[np.float32]
    source: str
    notes: tuple[str, ...] = ()

    @property
    def sha256(self) -> str:
        """Over the samples' bytes, little-endian."""
        return hashlib.sha256(self.samples.astype("<f4").tobytes()).hexdigest()

    def split(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Calibration and hold-out, by each sample's own hash: the same sample always falls alike.

        Seven tenths and three on average; neither part is empty where there are two samples.
        """
        held_out = np.array(
            [
                hashlib.sha256(np.ascontiguousarray(sample, "<f4").tobytes()).digest()[0] % 10
                < _HOLD_OUT_OF_TEN
                for sample in self.samples
            ]
        )
        if held_out.all() or not held_out.any():
            held_out[:] = False
            held_out[: max(1, len(held_out) // 3)] = True
        return self.samples[~held_out], self.samples[held_out]


def choose_calibration(model: Path, graph: Graph, data: Path | None) -> Calibration:
    """``data``, else ``calibration/`` beside the model where that is, else random samples.

    Raises:
        ConfigError: as of :func:`read_calibration`.
    """
    beside = model.parent / "calibration"
    if data is None and beside.is_dir():
        data = beside
    return synthetic(graph) if data is None else read_calibration(data, graph)


def synthetic(graph: Graph, seed: int = 0) -> Calibration:
    """Seeded standard normal samples, for want of real ones."""
    shape = _input(graph).shape
    samples = np.random.default_rng(seed).standard_normal((SYNTHETIC_SAMPLES, *shape))
    note = (
        f"no calibration data: {SYNTHETIC_SAMPLES} seeded random samples stand in, and say little "
        "of the errors on real data"
    )
    return Calibration(samples.astype(np.float32), SYNTHETIC, (note,))


def read_calibration(path: Path, graph: Graph) -> Calibration:
    """Reads a file, or every file of a folder: ``.npy``, ``.npz``, ``.csv``, images.

    A sample has the shape of the model's input as its file declares it, with or without the batch
    of 1; for a model in NCHW it may be in NHWC; a flat input takes any shape of its size. Images
    are scaled to 0..1.

    Raises:
        ConfigError: there are fewer than two, they do not fit the model, are not finite, or all
            alike.
    """
    samples = read_samples(path, graph)
    notes = check_samples(path, samples)
    if len(samples) > MAX_SAMPLES:
        cut = f"{path}: {MAX_SAMPLES} of {len(samples)} samples are used"
        notes = (cut, *notes)
    return Calibration(spread(samples), str(path), notes)


def spread(samples: NDArray[np.float32], most: int = MAX_SAMPLES) -> NDArray[np.float32]:
    """At most so many samples, evenly from the first to the last: they often come class by class,
    or in the order of their values."""
    count = min(most, len(samples))
    return samples[np.linspace(0, len(samples) - 1, count).round().astype(np.int64)]


def read_samples(path: Path, graph: Graph) -> NDArray[np.float32]:
    """All samples of a file or a folder, [n, *graph's input]; labels beside them are left out.

    Raises:
        ConfigError: there are none, or they do not fit the model.
    """
    files = sorted(p for p in path.iterdir() if p.is_file()) if path.is_dir() else [path]
    readable = [
        file for file in files if file.suffix.lower() in _READERS and file.name != LABELS_FILE
    ]
    if not readable:
        known = ", ".join(_READERS)
        what = "the folder holds no samples" if path.is_dir() else "no such file, or not one of"
        raise ConfigError(f"{path}: {what} ({known})")
    parts = [_fitted(file, _read(file, _declared_shape(graph)), graph) for file in readable]
    return np.concatenate(parts)


def _input(graph: Graph) -> Tensor:
    if len(graph.inputs) != 1:
        raise ConfigError(
            f"{graph.name}: has {len(graph.inputs)} inputs; calibration data is read for one"
        )
    return graph.tensors[graph.inputs[0]]


def _declared_shape(graph: Graph) -> tuple[int, ...]:
    """Of the input as the model's file orders it."""
    shape = _input(graph).shape
    if not graph.input_permutations:
        return shape
    return tuple(shape[axis] for axis in graph.input_permutations[0])


def _read_numpy(file: Path) -> list[NDArray[Any]]:
    """One array, or all of an archive: the content decides, not the name."""
    loaded = np.load(io.BytesIO(file.read_bytes()), allow_pickle=False)
    if isinstance(loaded, np.ndarray):
        return [loaded]
    with loaded:
        return [loaded[name] for name in loaded.files]


def _read_csv(file: Path) -> list[NDArray[Any]]:
    """A sample a row."""
    return [np.loadtxt(file, delimiter=",", ndmin=2)]


def _read_image(file: Path, shape: tuple[int, ...]) -> list[NDArray[Any]]:
    from PIL import Image

    # The file's order is NHWC or NCHW; channels are the extent of 1 or 3.
    if len(shape) != 4 or not {shape[1], shape[3]} & {1, 3}:
        raise ValueError(f"the model's input {list(shape)} is no image of 1 or 3 channels")
    channels_first = shape[3] not in (1, 3)
    channels, height, width = shape[1:] if channels_first else (shape[3], *shape[1:3])
    with Image.open(file) as image:
        converted = image.convert("RGB" if channels == 3 else "L").resize((width, height))
    pixels = np.asarray(converted, np.float32).reshape(height, width, -1) / 255.0
    return [np.moveaxis(pixels, -1, 0) if channels_first else pixels]


_READERS = {".npy": _read_numpy, ".npz": _read_numpy, ".csv": _read_csv} | dict.fromkeys(
    _IMAGE_SUFFIXES
)


def _read(file: Path, shape: tuple[int, ...]) -> list[NDArray[Any]]:
    reader = _READERS[file.suffix.lower()]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)  # NumPy's, of a table without a row
            warnings.simplefilter("error", RuntimeWarning)  # Pillow's, of a decompression bomb
            return _read_image(file, shape) if reader is None else reader(file)
    except (
        OSError,
        ValueError,
        EOFError,
        MemoryError,
        SyntaxError,  # Pillow's, of a broken PNG
        UserWarning,
        RuntimeWarning,
        zipfile.BadZipFile,
    ) as error:
        reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
        raise ConfigError(f"{file}: cannot be read: {reason}") from error


def _fitted(file: Path, arrays: Sequence[NDArray[Any]], graph: Graph) -> NDArray[np.float32]:
    """[n, *graph's input] of arrays that hold one sample each, or many by their first dimension."""
    declared, arranged = _declared_shape(graph), _input(graph).shape
    fitted = []
    for array in arrays:
        if array.size == 0:
            continue
        if array.dtype.kind not in "iuf":
            raise ConfigError(f"{file}: holds {array.dtype}, not real numbers")
        with np.errstate(over="ignore"):  # too large for float32: infinite, refused as that
            values = array.astype(np.float32)
        if _holds(values.shape, declared):
            samples = values.reshape(-1, *declared)
            fitted.append(np.stack([graph.from_file_layout(0, sample) for sample in samples]))
        elif _holds(values.shape, arranged) or _is_flat(file, values.shape, arranged):
            fitted.append(values.reshape(-1, *arranged))
        else:
            several = ", ".join(map(str, declared[1:] if declared[0] == 1 else declared))
            raise ConfigError(
                f"{file}: has shape {list(array.shape)}; a sample of this model is "
                f"{list(declared)} (or [n, {several}] for several)"
            )
    return np.concatenate(fitted) if fitted else np.empty((0, *arranged), np.float32)


def _holds(shape: tuple[int, ...], wanted: tuple[int, ...]) -> bool:
    """Whether an array is one sample of a shape, or several, with or without its batch of 1."""
    sample = wanted[1:] if wanted[0] == 1 else wanted
    return shape in (wanted, sample) or shape[1:] in (wanted, sample)


def _is_flat(file: Path, shape: tuple[int, ...], wanted: tuple[int, ...]) -> bool:
    """Whether the samples fill a flat input, or are the flat rows of a table."""
    elements = int(np.prod(wanted))
    flat_input = max(wanted) == elements
    flat_rows = file.suffix.lower() == ".csv" and len(shape) == 2
    return (flat_input or flat_rows) and int(np.prod(shape[1:])) == elements


def check_samples(path: Path, samples: NDArray[np.float32]) -> tuple[str, ...]:
    """What is odd about samples that can be used.

    Raises:
        ConfigError: there are fewer than two, they are not finite, or all alike.
    """
    if len(samples) < _LEAST_SAMPLES:
        raise ConfigError(
            f"{path}: holds {_counted(len(samples))}; give {MIN_SAMPLES} to {MAX_SAMPLES}"
        )
    finite = np.isfinite(samples).reshape(len(samples), -1).all(axis=1)
    if not finite.all():
        first = int(np.flatnonzero(~finite)[0])
        raise ConfigError(f"{path}: sample {first} holds NaN or infinity")
    if bool((samples == samples[0]).all()):
        raise ConfigError(f"{path}: all {len(samples)} samples are alike")
    notes = []
    if len(samples) < MIN_SAMPLES:
        notes.append(f"{path}: {len(samples)} samples; {MIN_SAMPLES} to {MAX_SAMPLES} are better")
    flat = samples.reshape(len(samples), -1)
    constant = int((flat.min(axis=1) == flat.max(axis=1)).sum())
    if constant:
        verb = "is" if constant == 1 else "are"
        notes.append(f"{path}: {_counted(constant)} {verb} constant")
    share = float((samples == samples.max()).mean())
    if share > _SATURATED_SHARE:
        notes.append(f"{path}: {share:.0%} of the values are at the upper end (saturated?)")
    return tuple(notes)


def _counted(count: int) -> str:
    return "1 sample" if count == 1 else f"{count} samples"
