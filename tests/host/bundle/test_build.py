"""What is built, and from what nothing is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import attrs
import pytest

from host.bundle.build import BuildRequest, BuiltBundle, build_bundle
from host.bundle.entries import default_name
from host.bundle.keys import KeyPair
from host.bundle.opened import open_bundle
from host.compiler import compile_graph
from host.errors import ConfigError
from host.measurement.observer import Silent
from host.models.loader import load_model
from protocol.bundle.signing import SigningKey
from tests.support.bundles import MODEL, sample_manifest


def test_the_manifest_has_what_was_compiled_and_declared(
    built_for_pc: BuiltBundle, keys: KeyPair
) -> None:
    opened = open_bundle(built_for_pc.path, [keys.public])
    manifest, plan = opened.manifest, compile_graph(load_model(MODEL))
    assert manifest.signer == keys.id
    assert opened.bundle.weights == plan.data
    assert manifest.requires.arena_bytes == plan.arena_bytes
    assert manifest.requires.ops == tuple(sorted({int(op.kind) for op in plan.ops}))
    (tensor,) = manifest.model.inputs
    (contract,) = plan.inputs
    assert (tensor.shape, tensor.scale, tensor.zero_point) == (
        contract.shape,
        contract.scale,
        contract.zero_point,
    )
    assert manifest.thresholds == {"tolerance": 0.02}
    # Put together independently, from the same file: the same answers and requirements.
    sample = sample_manifest(SigningKey.generate())
    assert manifest.requires == sample.requires
    assert manifest.self_test.vectors == sample.self_test.vectors[:1]


def test_a_folder_is_the_same_bundle(
    built_for_pc: BuiltBundle, keys: KeyPair, tmp_path: Path
) -> None:
    opened = open_bundle(built_for_pc.path, [keys.public])
    contents = {**opened.bundle.files}
    import zipfile

    with zipfile.ZipFile(built_for_pc.path) as archive:
        archive.extractall(tmp_path)
    again = open_bundle(tmp_path, [keys.public])
    assert again.archive == built_for_pc.path.read_bytes() == opened.archive
    assert again.bundle.files == contents
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(ConfigError, match=r"notes\.txt is not in the manifest"):
        open_bundle(tmp_path, [keys.public])


def _request(declared: Path, keys: KeyPair, tmp_path: Path, **fields: Any) -> BuildRequest:
    request = BuildRequest(
        target=declared, key=keys.private, output=tmp_path / "out.jbundle", model=MODEL, vectors=1
    )
    return attrs.evolve(request, **fields)


@pytest.mark.parametrize(
    ("changes", "fields", "said"),
    [
        ({"met": False}, {}, "no board meets"),
        ({"profile": {}}, {}, r"\$\.profile"),
        ({"precision": 8}, {}, r"\$\.precision"),
        ({"target": "no-such-board"}, {}, "unknown board"),
        ({}, {"meanings": {"pixels": "grey"}}, "the model has no pixels"),
        ({}, {"key": Path("missing")}, "missing"),
        ({}, {"model": Path("missing")}, "missing"),
        ({}, {"name": "a/b"}, r"\$\.name"),
    ],
)
def test_nothing_is_written_where_something_is_wrong(
    declared: Path,
    keys: KeyPair,
    tmp_path: Path,
    changes: dict[str, Any],
    fields: dict[str, Any],
    said: str,
) -> None:
    declared.write_text(json.dumps({**json.loads(declared.read_text()), **changes}))
    with pytest.raises(ConfigError, match=said):
        build_bundle(_request(declared, keys, tmp_path, **fields), Silent())
    assert not (tmp_path / "out.jbundle").exists()


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("digits.onnx", "digits"),
        ("_zä hler!.tflite", "z_ hler_"),
        ("...onnx", "model"),
        (None, "model"),
    ],
)
def test_a_name_is_made_from_the_models(file: str | None, name: str) -> None:
    assert default_name(None if file is None else Path(file)) == name


class _Notes(Silent):
    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)


def test_evidence_of_other_bytes_is_said(declared: Path, keys: KeyPair, tmp_path: Path) -> None:
    values = json.loads(declared.read_text())
    values["devices"] = [{"id": "pc", "sites": [{"measurement": {"candidate": {"plan_crc32": 1}}}]}]
    declared.write_text(json.dumps(values))
    notes = _Notes()
    meanings = {load_model(MODEL).tensors[load_model(MODEL).inputs[0]].name: "8x8 grey levels"}
    request = _request(
        declared, keys, tmp_path, thresholds={"reject": 0.6}, meanings=meanings, name="mine"
    )
    built = build_bundle(request, notes)
    assert any("measured other bytes" in note for note in notes.notes)
    manifest = built.bundle.manifest
    assert manifest.name == "mine"
    assert manifest.thresholds == {"tolerance": 0.02, "reject": 0.6}
    assert manifest.model.inputs[0].meaning == "8x8 grey levels"
