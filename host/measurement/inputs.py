"""The inputs of a measurement: drawn from a seed on both sides, or read from files."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import attrs
import numpy as np
from numpy.typing import NDArray

from host.compiler import TensorContract
from host.errors import ConfigError
from protocol.generator import draw_float32_input, draw_input


@attrs.frozen
class Inputs:
    """The bytes of every input. ``seed`` is None where they came from files."""

    data: tuple[bytes, ...]
    source: str
    seed: int | None
    notes: tuple[str, ...] = ()

    @property
    def crc32(self) -> int:
        """Over all inputs, one after the other, as the board computes it."""
        return zlib.crc32(b"".join(self.data))


def seeded_inputs(contracts: Sequence[TensorContract], seed: int) -> Inputs:
    """Draws every input; nothing needs to be sent.

    Raises:
        ConfigError: an input's elements are neither integers nor float32.
    """
    data = tuple(_draw(seed, index, entry) for index, entry in enumerate(contracts))
    return Inputs(data, "seeded", seed)


def _draw(seed: int, index: int, entry: TensorContract) -> bytes:
    dtype = np.dtype(entry.dtype)
    if dtype == np.float32:
        return draw_float32_input(seed, index, entry.size_bytes // dtype.itemsize)
    if not np.issubdtype(dtype, np.integer):
        raise ConfigError(
            f"input {entry.name!r} has dtype {dtype}, for which no values are drawn",
            hint="give it with --input",
        )
    return draw_input(seed, index, entry.size_bytes)


def read_inputs(contracts: Sequence[TensorContract], paths: Sequence[Path]) -> Inputs:
    """Reads one ``.npy`` file an input, in the model's order.

    Floating-point values are quantized with the scale and zero point of an input of integers.

    Raises:
        ConfigError: a file is missing or no array, or its shape or dtype is not the input's.
    """
    if len(paths) != len(contracts):
        names = ", ".join(f"{entry.name} {list(entry.shape)}" for entry in contracts)
        raise ConfigError(
            f"--input was given {len(paths)} times, the model has {len(contracts)} "
            f"input{'s' if len(contracts) != 1 else ''}: {names}",
            hint="give --input once an input, in this order",
        )
    data, notes = [], []
    for contract, path in zip(contracts, paths, strict=True):
        array = _load(path)
        if array.shape != contract.shape:
            raise ConfigError(
                f"{path}: shape {list(array.shape)} does not fit input {contract.name!r}, "
                f"which has shape {list(contract.shape)} and dtype {contract.dtype}"
            )
        wanted = np.dtype(contract.dtype)
        if np.issubdtype(wanted, np.floating) and np.issubdtype(array.dtype, np.floating):
            array = array.astype(wanted)
        elif np.issubdtype(array.dtype, np.floating):
            array = quantize(array, contract)
            notes.append(
                f"{path.name} holds {np.load(path, mmap_mode='r').dtype}: quantized to {wanted} "
                f"with scale {contract.scale:.6g} and zero point {contract.zero_point}"
            )
        elif array.dtype != wanted:
            raise ConfigError(
                f"{path}: dtype {array.dtype} does not fit input {contract.name!r}, "
                f"which takes {wanted}, or float32 to be quantized"
            )
        data.append(np.ascontiguousarray(array, wanted.newbyteorder("<")).tobytes())
    return Inputs(tuple(data), ", ".join(path.name for path in paths), None, tuple(notes))


def quantize(values: NDArray[Any], contract: TensorContract) -> NDArray[Any]:
    """``round(x / scale) + zero_point``, half away from zero as TensorFlow Lite rounds, clamped."""
    if not np.isfinite(values).all():
        raise ConfigError(f"input {contract.name!r} has values that are not finite")
    limits = np.iinfo(contract.dtype)
    scaled = values.astype(np.float32) / np.float32(contract.scale)
    rounded = np.trunc(scaled + np.copysign(np.float32(0.5), scaled)) + contract.zero_point
    quantized: NDArray[Any] = np.clip(rounded, limits.min, limits.max).astype(contract.dtype)
    return quantized


def _load(path: Path) -> NDArray[Any]:
    try:
        array = np.load(path, allow_pickle=False)
    except FileNotFoundError as error:
        raise ConfigError(f"{path}: no such file") from error
    except (OSError, ValueError, EOFError) as error:
        raise ConfigError(f"{path}: not a NumPy .npy file ({error})") from error
    if not isinstance(array, np.ndarray):
        raise ConfigError(f"{path}: an .npz archive; give one .npy file an input")
    return array
