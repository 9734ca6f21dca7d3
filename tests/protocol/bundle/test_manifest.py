"""The manifest: one form, checked against its schema, and no value that contradicts another."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from typing import Any

import attrs
import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from protocol.bundle import BundleError, Manifest, Stage
from protocol.bundle import manifest as module
from protocol.bundle.signing import SigningKey
from tests.support.bundles import sample_manifest

MANIFEST = sample_manifest(SigningKey.generate())
DATA = MANIFEST.to_bytes()


def refused(data: bytes, reason: str = "") -> None:
    with pytest.raises(BundleError) as error:
        Manifest.from_bytes(data)
    assert error.value.stage == Stage.PARSE
    assert reason in error.value.reason


def test_survives_its_bytes() -> None:
    assert Manifest.from_bytes(DATA) == MANIFEST


def test_schema_is_made_from_the_classes() -> None:
    assert json.loads(module.SCHEMA_PATH.read_text()) == module.json_schema()


def test_model_has_the_fields_of_a_jumpbundle() -> None:
    model = json.loads(DATA)["model"]
    names = "framework precision weights flops peak_ram_kb latency_ms_turbo targeting_version"
    assert set(names.split()) <= set(model)
    assert model["targeting_version"] == "0.1.0"
    contract = {"name", "shape", "dtype", "scale", "zero_point", "meaning"}
    assert all(set(tensor) == contract for tensor in model["inputs"] + model["outputs"])


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (json.dumps(json.loads(DATA)).encode(), "canonical"),
        (DATA + b"\n", "canonical"),
        (b" " + DATA, "canonical"),
        (b"\xef\xbb\xbf" + DATA, "canonical"),
        (DATA.replace(b'"flops":4786', b'"flops":4786.0'), "canonical"),
        (DATA.replace(b'"flops":4786', b'"flops":4.786e3'), "canonical"),
        (DATA.replace(b'"flops":4786', b'"flops":1,"flops":4786'), "canonical"),
        (DATA.replace(b'"flops":4786', b'"flops":NaN'), "not JSON"),
        (DATA.replace(b'"flops":4786', b'"flops":' + b"9" * 5000), "not JSON"),
        (DATA.replace(b'"digits"', b'"dig\\u0069ts"'), "canonical"),
        (DATA.replace(b'"digits"', b'"\\ud800"'), "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"", "not JSON"),
        (b"null", "is not of type 'object'"),
        (b"x" * ((1 << 20) + 1), "at most"),
    ],
)
def test_other_forms_are_refused(data: bytes, reason: str) -> None:
    refused(data, reason)


def _with(change: Callable[[dict[str, Any]], object]) -> bytes:
    values = json.loads(DATA)
    change(values)
    return rfc8785.dumps(values)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda m: m.update(schema="bundle/2"), "$.schema"),
        (lambda m: m.update(extra=1), "extra"),
        (lambda m: m.pop("signer"), "signer"),
        (lambda m: m["model"].update(extra=1), "extra"),
        (lambda m: m["model"].update(flops=-1), "$.model.flops"),
        (lambda m: m["model"].update(flops="many"), "$.model.flops"),
        (lambda m: m["model"].update(weights="../x"), "$.model.weights"),
        (lambda m: m["model"].update(precision="int2"), "$.model.precision"),
        (lambda m: m["model"]["inputs"][0].update(shape=[0]), "shape"),
        (lambda m: m["model"]["inputs"][0].update(shape=[1] * 9), "shape"),
        (lambda m: m["self_test"].update(vectors=[]), "vectors"),
        (lambda m: m["self_test"]["vectors"][0].update(seed=1 << 32), "seed"),
        (lambda m: m.update(created="yesterday+00:00"), "yesterday"),
        (lambda m: m.update(created="2026-11-21T12:00:00+01:00"), "$.created"),
        (lambda m: m["files"][0].update(sha256="AB" * 32), "sha256"),
        (lambda m: m["files"][0].update(size_bytes=-1), "size_bytes"),
        (lambda m: m["files"][0].update(name="manifest.json"), "no name"),
        (lambda m: m["files"][0].update(name="Manifest.SIG"), "no name"),
        (lambda m: m["files"][0].update(name="model.plan\n"), "no name"),
        (lambda m: m["files"].append(dict(m["files"][0])), "twice"),
        (lambda m: m["files"].append(dict(m["files"][0], name="MODEL.plan")), "twice"),
        (lambda m: m["files"].append(dict(m["files"][0], name="payload")), "nothing uses payload"),
        (lambda m: m["files"].pop(0), "model.plan is not among the files"),
        (lambda m: m.update(target="elsewhere.json"), "elsewhere.json is not among the files"),
        (lambda m: m["self_test"].update(outputs="o.bin"), "o.bin is not among the files"),
    ],
)
def test_wrong_values_are_refused_by_their_field(
    change: Callable[[dict[str, Any]], object], reason: str
) -> None:
    refused(_with(change), reason)


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(_VALUES)
def test_no_json_does_more_than_be_refused(value: Any) -> None:
    refused(json.dumps(value).encode())


@given(st.binary())
def test_no_bytes_do_more_than_be_refused(data: bytes) -> None:
    refused(data)


@given(st.data())
def test_any_value_in_any_place_is_refused_or_kept(data: st.DataObject) -> None:
    values = json.loads(DATA)
    place: Any = values
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        key = data.draw(st.sampled_from(keys))
        if not isinstance(place[key], dict | list) or not place[key] or data.draw(st.booleans()):
            break
        place = place[key]
    place[key] = data.draw(_VALUES)
    try:
        changed = rfc8785.dumps(values)
    except ValueError:  # what has no canonical form
        return
    with contextlib.suppress(BundleError):
        assert Manifest.from_bytes(changed).to_bytes() == changed


def test_every_field_is_under_the_signature() -> None:
    """None is left out of the bytes: each changes them."""
    other = attrs.evolve(
        MANIFEST,
        thresholds={"reject": 0.61},
        requires=attrs.evolve(MANIFEST.requires, board="pico"),
    )
    assert other.to_bytes() != DATA
    for field in attrs.fields(Manifest):
        assert f'"{field.name}":'.encode() in DATA
