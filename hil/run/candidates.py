"""The files that a run gives to boards, from the models that it was asked for."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from enum import StrEnum
from pathlib import Path

import platformdirs

from hil.run.jobs import Candidate
from host.compiler import compile_graph
from host.errors import ConfigError, JumpstationError
from host.files import write_bytes
from host.models import load_model
from host.models.graph import DType, Graph

_MODEL_SUFFIXES = (".tflite", ".onnx", ".pt2", ".pt")


class Precision(StrEnum):
    """What a float model is measured in."""

    INT8 = "int8"
    INT4 = "int4"
    FLOAT32 = "float32"
    """As it is, by the engines of boards with an operating system."""


def find_models(paths: Iterable[Path]) -> list[Path]:
    """Files as they are named, and the models in each folder, by name.

    Raises:
        ConfigError: a path is not there, or a folder has no model.
    """
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = sorted(file for file in path.iterdir() if file.suffix in _MODEL_SUFFIXES)
            if not inside:
                raise ConfigError(f"{path}: no model in this folder ({', '.join(_MODEL_SUFFIXES)})")
            found += inside
        elif path.is_file():
            found.append(path)
        else:
            raise ConfigError(f"{path}: no such file or folder")
    return list(dict.fromkeys(path.resolve() for path in found))


def make_candidates(
    models: Sequence[Path],
    precisions: Sequence[Precision] = (Precision.INT8,),
    progress: Callable[[str], None] = lambda _: None,
) -> list[Candidate]:
    """A quantized model as it is; a float one in each of ``precisions``, quantized once.

    What cannot be read or quantized is a candidate that says why: the run goes on without it.

    Raises:
        ConfigError: a model cannot be read from the disk, or nothing be kept in the user's cache.
    """
    taken = {model.name: _digest(model.read_bytes()) for model in reversed(models)}
    candidates = []
    for model in models:
        for made in _of(model, precisions, progress):
            if taken.setdefault(made.name, made.sha256) != made.sha256 and made.path is not None:
                # Records tell models by their file's name: of two with one, the second is renamed.
                name = f"{model.parent.name}_{model.suffix[1:]}_{made.name}"
                made = _kept(name, made.path.read_bytes(), made.precision)
            candidates.append(made)
    return list(dict.fromkeys(candidates))


def _of(
    model: Path, precisions: Sequence[Precision], progress: Callable[[str], None]
) -> Iterator[Candidate]:
    try:
        graph = load_model(model)
    except ConfigError:
        raise
    except JumpstationError as error:
        yield from (_refused(model, str(precision), error) for precision in precisions)
        return
    if any(tensor.dtype in (DType.INT8, DType.INT4) for tensor in graph.tensors):
        yield _as_it_is(model, _precision_of(graph))
        return
    for precision in dict.fromkeys(precisions):
        if precision == Precision.FLOAT32:
            yield _as_it_is(model, str(precision))
            continue
        from host.distillation.quantizer import quantize_model

        try:
            made = quantize_model(
                model, None, str(precision), lambda text: progress(f"{model.name}: {text}")
            )
        except JumpstationError as error:
            yield _refused(model, str(precision), error)
            continue
        yield _kept(f"{model.stem}_{precision}.tflite", made.tflite, str(precision))


def _precision_of(graph: Graph) -> str:
    """As its plan has it; of a model that no plan holds, what its weights are."""
    try:
        return compile_graph(graph).precision
    except JumpstationError:
        dtypes = {tensor.dtype for tensor in graph.tensors}
        return str(Precision.INT4 if DType.INT4 in dtypes else Precision.INT8)


def _as_it_is(model: Path, precision: str) -> Candidate:
    return Candidate(
        name=model.name,
        sha256=_digest(model.read_bytes()),
        precision=precision,
        path=model,
        size_bytes=model.stat().st_size,
    )


def _refused(model: Path, precision: str, error: JumpstationError) -> Candidate:
    return Candidate(
        name=model.name,
        sha256=_digest(model.read_bytes()),
        precision=precision,
        path=None,
        refusal=str(error),
    )


def _kept(name: str, data: bytes, precision: str) -> Candidate:
    """Under its own name, which the records have, in a folder of its content's: a run that is
    resumed finds it there."""
    digest = _digest(data)
    cache = platformdirs.user_cache_path("jumpstation", appauthor=False)
    folder = cache / "farm" / digest
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"{folder}: {error.strerror or error}") from error
    write_bytes(folder / name, data)
    return Candidate(
        name=name, sha256=digest, precision=precision, path=folder / name, size_bytes=len(data)
    )


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
