"""``manifest.json``: what a bundle is, what it needs of a board, and what its files must be.

Its bytes are the canonical form of RFC 8785 (JSON Canonicalization Scheme): of the same values
there is one manifest, and the signature is over just these bytes. ``schema.json`` is made from the
classes below.
"""

from __future__ import annotations

import functools
import json
import re
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import attrs
import jsonschema
import rfc8785

from protocol.bundle.contents import FILE_NAME, MANIFEST_NAME, MAX_FILES, SIGNATURE_NAME
from protocol.bundle.errors import BundleError, Stage
from protocol.records import SCHEMA, build, plain, schema_of

SCHEMA_PATH = Path(__file__).with_name("schema.json")
MAX_MANIFEST_BYTES = 1 << 20
_MOST_EXACT = (1 << 53) - 1
"""Of an integer in JSON, as RFC 8785 (section 3.2.2.3) has them."""


def _limited(**keywords: Any) -> dict[str, Any]:
    return {SCHEMA: keywords}


_COUNT = _limited(minimum=0, maximum=_MOST_EXACT)
_U32 = _limited(minimum=0, maximum=0xFFFFFFFF)
_LABEL = _limited(minLength=1, maxLength=64)
_FILE = _limited(pattern=f"^{FILE_NAME}$")
_SHA256 = _limited(pattern="^[0-9a-f]{64}$")
_SHAPE = _limited(items={"type": "integer", "minimum": 1, "maximum": 0xFFFFFFFF}, maxItems=8)
_VERSION = _limited(pattern=r"^[0-9]{1,9}(\.[0-9]{1,9}){0,3}$")


@attrs.frozen(kw_only=True)
class TensorSpec:
    """An input or output: ``real = scale * (value - zero_point)`` where it is quantized.

    ``meaning`` is for people: what the numbers are, such as class names in their order.
    """

    name: str = attrs.field(metadata=_limited(maxLength=256))
    shape: tuple[int, ...] = attrs.field(metadata=_SHAPE)
    dtype: str = attrs.field(metadata=_limited(enum=["int8", "int16", "int32", "float32", "uint8"]))
    scale: float | None
    zero_point: int | None
    meaning: str = attrs.field(metadata=_limited(maxLength=4096))


@attrs.frozen(kw_only=True)
class BundledModel:
    """``weights`` names the file that the engine loads: a plan for ``jump_rt``, else the model.

    ``framework`` is the format of the model's own file, ``sha256`` that file's hash.

    ``latency_ms_turbo`` is ``latency_dxm1_ms`` of the requirement vector.
    """

    framework: str = attrs.field(metadata=_limited(enum=["onnx", "tflite"]))
    precision: str = attrs.field(
        metadata=_limited(enum=["int4", "int8", "int16", "float16", "float32"])
    )
    weights: str = attrs.field(metadata=_FILE)
    flops: int = attrs.field(metadata=_COUNT)
    peak_ram_kb: float
    latency_ms_turbo: float | None
    targeting_version: str = attrs.field(metadata=_VERSION)
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    sha256: str = attrs.field(metadata=_SHA256)


@attrs.frozen(kw_only=True)
class VersionRange:
    """Versions v with ``at_least <= v < below``, by their numbers."""

    at_least: str = attrs.field(metadata=_VERSION)
    below: str = attrs.field(metadata=_VERSION)


@attrs.frozen(kw_only=True)
class Requirements:
    """What a board must be. ``plan_version``, ``ops`` and ``arena_bytes`` are a plan's."""

    board: str = attrs.field(metadata=_limited(pattern="^[a-z0-9_]{1,64}$"))
    domain: str = attrs.field(metadata=_limited(enum=["mcu", "mpu"]))
    backend: str = attrs.field(metadata=_limited(enum=["tflite_micro", "litert", "onnxruntime"]))
    engine: str = attrs.field(metadata=_limited(enum=["jump_rt", "litert", "onnxruntime"]))
    engine_version: VersionRange
    protocol: int = attrs.field(metadata=_limited(minimum=1, maximum=255))
    plan_version: tuple[int, int] | None
    ops: tuple[int, ...] | None
    arena_bytes: int | None = attrs.field(metadata=_U32)


@attrs.frozen(kw_only=True)
class SelfTestVector:
    """Inputs drawn from ``seed`` (SPEC.md, Seeded inputs), and CRC-32 over them and the outputs."""

    seed: int = attrs.field(metadata=_U32)
    input_crc32: int = attrs.field(metadata=_U32)
    output_crc32: int = attrs.field(metadata=_U32)


@attrs.frozen(kw_only=True)
class SelfTest:
    """What the board must answer before the bundle is used.

    Without ``outputs`` to the last bit. Else that file has the outputs of every vector, one after
    the other, and each element may differ: integers by ``steps``, floats by ``relative`` of the
    largest expected magnitude of that output.
    """

    vectors: tuple[SelfTestVector, ...] = attrs.field(metadata=_limited(minItems=1, maxItems=16))
    outputs: str | None = attrs.field(metadata=_FILE)
    steps: int = attrs.field(metadata=_limited(minimum=0, maximum=255))
    relative: float = attrs.field(metadata=_limited(minimum=0, maximum=1))


@attrs.frozen(kw_only=True)
class Image:
    """What a programmer writes into a microcontroller: firmware, plan and self-test record.

    The plan's bytes are those of ``model.weights``, at ``plan_address``.
    """

    file: str = attrs.field(metadata=_FILE)
    address: int = attrs.field(metadata=_U32)
    plan_address: int = attrs.field(metadata=_U32)
    firmware_version: str = attrs.field(metadata=_LABEL)
    firmware_build: str = attrs.field(metadata=_limited(maxLength=255))


@attrs.frozen(kw_only=True)
class FileEntry:
    name: str = attrs.field(metadata=_FILE)
    size_bytes: int = attrs.field(metadata=_COUNT)
    sha256: str = attrs.field(metadata=_SHA256)


@attrs.frozen(kw_only=True)
class Manifest:
    """``files`` are all but the manifest and its signature; ``signer`` is a key's id.

    ``target`` names the declaration (``target.json``) with the evidence that the board was chosen
    by; ``thresholds`` are the application's, and mean nothing to an agent.
    """

    schema: Literal["bundle/1"] = "bundle/1"
    name: str = attrs.field(metadata=_limited(pattern="^[A-Za-z0-9][A-Za-z0-9._ -]{0,63}$"))
    created: datetime
    host_version: str = attrs.field(metadata=_LABEL)
    signer: str = attrs.field(metadata=_SHA256)
    model: BundledModel
    requires: Requirements
    self_test: SelfTest
    thresholds: dict[str, float]
    target: str = attrs.field(metadata=_FILE)
    image: Image | None
    files: tuple[FileEntry, ...] = attrs.field(metadata=_limited(minItems=1, maxItems=MAX_FILES))

    def to_bytes(self) -> bytes:
        """The canonical form."""
        return rfc8785.dumps(attrs.asdict(self, value_serializer=plain))

    @classmethod
    def from_bytes(cls, data: bytes) -> Manifest:
        """Reads a manifest.

        Raises:
            BundleError: it is none, is not in canonical form, or contradicts itself.
        """
        if len(data) > MAX_MANIFEST_BYTES:
            raise _refused(f"{len(data):,} bytes, {MAX_MANIFEST_BYTES:,} at most")
        try:
            values = json.loads(data)
            is_canonical = rfc8785.dumps(values) == data
        except (ValueError, RecursionError) as error:
            raise _refused(f"not JSON: {error}") from error
        if not is_canonical:
            raise _refused("not in canonical form (RFC 8785)")
        broken = jsonschema.exceptions.best_match(_validator().iter_errors(values))
        if broken is not None:
            raise _refused(f"{broken.json_path}: {broken.message[:200]}")
        try:
            manifest = build(cls, values)
        except ValueError as error:  # a date that is none
            raise _refused(str(error)) from error
        assert isinstance(manifest, Manifest)
        _check_files(manifest)
        return manifest


def json_schema() -> dict[str, Any]:
    """The JSON schema of a manifest, from the classes above."""
    return schema_of(Manifest, title="bundle/1")


def _check_files(manifest: Manifest) -> None:
    """Whether every file that something names is listed, once, and under a name it may have."""
    names = [entry.name for entry in manifest.files]
    if len({name.lower() for name in names}) != len(names):
        raise _refused("$.files: a name is there twice")
    for name in names:
        # Again: in the schema's regular expressions `$` lets a line feed pass.
        if not re.fullmatch(FILE_NAME, name) or name.lower() in (MANIFEST_NAME, SIGNATURE_NAME):
            raise _refused(f"$.files: {name!r} is no name for a file")
    image = manifest.image
    named = {
        "$.model.weights": manifest.model.weights,
        "$.target": manifest.target,
        "$.self_test.outputs": manifest.self_test.outputs,
        "$.image.file": None if image is None else image.file,
    }
    for field, file in named.items():
        if file is not None and file not in names:
            raise _refused(f"{field}: {file} is not among the files")
    if unnamed := set(names) - set(named.values()):
        raise _refused(f"$.files: nothing uses {', '.join(sorted(unnamed))}")


@functools.cache
def _validator() -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(json.loads(SCHEMA_PATH.read_text(encoding="utf-8")))


def _refused(reason: str) -> BundleError:
    return BundleError(Stage.PARSE, f"{MANIFEST_NAME}: {reason}")
