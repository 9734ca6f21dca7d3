"""Golden sets as folders: ``manifest.json``, ``samples.npz``, ``references.npz``.

The manifest holds the SHA-256 of both archives, of each sample, and of itself; its text is
canonical. So a set that differs from what was made in a single byte is refused.
"""

from __future__ import annotations

import hashlib
import io
import re
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hil.golden.decisions import DecisionKind, DecisionRule, Decisions
from hil.golden.golden_set import FloatReference, GoldenSet, ModelFile, Tolerance, sample_digests
from hil.golden.manifest import MANIFEST, manifest_of, read_manifest, refused
from host.compiler import TensorContract
from host.errors import ConfigError
from host.files import write_bytes

SAMPLES, REFERENCES = "samples.npz", "references.npz"
SUFFIX = ".golden"

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")

Arrays = dict[str, NDArray[Any]]
Layout = dict[str, tuple[np.dtype[Any], tuple[int, ...]]]
"""Type and shape of each array of an archive."""


def name_of(folder: Path) -> str:
    """A set's name: its folder's, without ``.golden``.

    Raises:
        ConfigError: the folder's name is no such thing.
    """
    whole = folder.resolve().name
    name = whole.removesuffix(SUFFIX)
    if name == whole or not _NAME.fullmatch(name):
        raise ConfigError(
            f"{folder}: a golden set is a folder NAME{SUFFIX}; a name is letters, digits, '.', '_' "
            "and '-'"
        )
    return name


def save_golden(golden: GoldenSet, folder: Path) -> bool:
    """Writes a set; the same set once more is left as it is.

    Returns:
        Whether it was written.

    Raises:
        ConfigError: there is another set, or nothing can be written.
    """
    name_of(folder)
    archives = {SAMPLES: _archive(_samples(golden)), REFERENCES: _archive(_references(golden))}
    manifest = manifest_of(golden, archives)
    path = folder / MANIFEST
    if path.exists():
        if path.read_bytes() == manifest:
            load_golden(folder)  # what lies there is whole too
            return False
        raise ConfigError(
            f"{folder}: there is another golden set, and a set is never changed",
            hint="give the new one another name; a set that nobody refers to may be deleted",
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"{folder}: cannot be written: {error.strerror or error}") from error
    for name, data in archives.items():
        write_bytes(folder / name, data)
    write_bytes(path, manifest)  # last: without it there is no set
    return True


def load_golden(folder: Path) -> GoldenSet:
    """Reads and checks a set.

    Raises:
        ConfigError: it is not there, cut short, altered, or none; the text says which and where.
    """
    values = read_manifest(folder)
    samples = _read_archive(folder, SAMPLES, values["files"][SAMPLES])
    references = _read_archive(folder, REFERENCES, values["files"][REFERENCES])
    golden = _built(folder, values, samples, references)
    if sample_digests(golden.inputs) != golden.digests:
        raise refused(folder / SAMPLES, "a sample is not the one whose SHA-256 the manifest has")
    for name, array in _references(golden).items():
        if not np.array_equal(references[name], array):
            raise refused(folder / REFERENCES, f"{name} does not follow from the outputs")
    return golden


def _samples(golden: GoldenSet) -> Arrays:
    named: Arrays = {f"input_{index}": array for index, array in enumerate(golden.inputs)}
    return {**named, "float_input": golden.float_samples}


def _references(golden: GoldenSet) -> Arrays:
    named: Arrays = {f"output_{index}": array for index, array in enumerate(golden.outputs)}
    named |= _decisions(golden.decisions)
    if golden.float_output is not None and golden.float_decisions is not None:
        decided = _decisions(golden.float_decisions)
        named |= {"float_output": golden.float_output}
        named |= {f"float_{name}": array for name, array in decided.items()}
    return named


def _decisions(decisions: Decisions) -> Arrays:
    named: Arrays = {"rejected": decisions.rejected}
    return named if decisions.classes is None else {**named, "class": decisions.classes}


def _archive(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """Not compressed, and with fixed dates: the same arrays are the same bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, array in sorted(arrays.items()):
            content = io.BytesIO()
            little_endian = array.dtype.newbyteorder("<")
            np.save(content, np.ascontiguousarray(array, little_endian), allow_pickle=False)
            entry = zipfile.ZipInfo(f"{name}.npy", (1980, 1, 1, 0, 0, 0))
            entry.create_system = 3
            archive.writestr(entry, content.getvalue())
    return buffer.getvalue()


def _read_archive(folder: Path, name: str, entry: Mapping[str, Any]) -> Arrays:
    path = folder / name
    try:
        data = path.read_bytes()
    except OSError as error:
        raise refused(path, error.strerror or str(error)) from error
    if len(data) != entry["bytes"]:
        what = "cut short" if len(data) < entry["bytes"] else "altered after it was made"
        raise refused(path, f"{what}: {len(data):,} bytes, the manifest has {entry['bytes']:,}")
    if hashlib.sha256(data).hexdigest() != entry["sha256"]:
        raise refused(path, "altered after it was made: its SHA-256 is not the manifest's")
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as archive:
            return {key: archive[key] for key in archive.files}
    except (OSError, ValueError, EOFError, MemoryError, zipfile.BadZipFile) as error:
        raise refused(path, f"not an .npz archive: {error}") from error


def _built(
    folder: Path, values: Mapping[str, Any], samples: Arrays, references: Arrays
) -> GoldenSet:
    """The set, of arrays that are what the manifest says."""
    rule = DecisionRule(
        kind=DecisionKind(values["decision"]["kind"]),
        reject_threshold=values["decision"]["reject_threshold"],
    )
    given = values["float_reference"]
    float_reference = given and FloatReference(
        model=ModelFile(**given["model"]), engine=given["engine"]
    )
    inputs, outputs = (
        tuple(TensorContract(**{**entry, "shape": tuple(entry["shape"])}) for entry in values[side])
        for side in ("inputs", "outputs")
    )
    count = len(values["samples"])
    wanted = _expected("input", inputs, count)
    wanted["float_input"] = (np.dtype(np.float32), (count, *inputs[0].shape))
    _check_arrays(folder / SAMPLES, samples, wanted)
    wanted = _expected("output", outputs, count)
    for side in [""] if float_reference is None else ["", "float_"]:
        wanted[f"{side}rejected"] = (np.dtype(np.bool_), (count,))
        if rule.kind is DecisionKind.TOP1:
            wanted[f"{side}class"] = (np.dtype(np.int32), (count,))
    if float_reference is not None:
        wanted["float_output"] = (np.dtype(np.float32), (count, outputs[0].size_bytes))
    _check_arrays(folder / REFERENCES, references, wanted)
    return GoldenSet(
        name=name_of(folder),
        sha256=values["sha256"],
        model=ModelFile(**values["model"]),
        data=values["data"],
        arithmetic=values["reference"]["arithmetic"],
        source=values["reference"]["source"],
        rule=rule,
        tolerance=Tolerance(**values["tolerance"]),
        float_reference=float_reference,
        input_contracts=inputs,
        output_contracts=outputs,
        digests=tuple(values["samples"]),
        float_samples=samples["float_input"],
        inputs=tuple(samples[f"input_{index}"] for index in range(len(inputs))),
        outputs=tuple(references[f"output_{index}"] for index in range(len(outputs))),
        float_output=references.get("float_output"),
    )


def _expected(side: str, contracts: Sequence[TensorContract], count: int) -> Layout:
    return {
        f"{side}_{index}": (np.dtype(entry.dtype), (count, *entry.shape))
        for index, entry in enumerate(contracts)
    }


def _check_arrays(path: Path, arrays: Arrays, wanted: Layout) -> None:
    """Exactly these, of these types and shapes."""
    for name in sorted(arrays.keys() ^ wanted.keys()):
        raise refused(path, f"{'has no' if name in wanted else 'has an unknown'} array {name!r}")
    for name, (dtype, shape) in wanted.items():
        found = arrays[name]
        if found.dtype != dtype or found.shape != shape:
            raise refused(
                path,
                f"{name} is {found.dtype} {list(found.shape)}, "
                f"not {dtype} {list(shape)} as the manifest has it",
            )
