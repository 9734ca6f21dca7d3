"""A set that is not as it was made is refused, wherever it differs."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hil.golden import load_golden
from hil.golden.storage import REFERENCES, SAMPLES
from host.errors import ConfigError
from tests.hil.golden.conftest import Kept

FILES = ("manifest.json", SAMPLES, REFERENCES)


@pytest.fixture
def copy(small: Kept, tmp_path: Path) -> Path:
    return Path(shutil.copytree(small.folder, tmp_path / "small.golden"))


def refusal(folder: Path) -> str:
    with pytest.raises(ConfigError) as refused:
        load_golden(folder)
    return str(refused.value)


@given(
    name=st.sampled_from(FILES),
    where=st.floats(0, 1, exclude_max=True),
    way=st.one_of(
        st.just("cut"),
        st.just("grown"),
        st.integers(1, 255),
        st.binary(min_size=1, max_size=8),
    ),
)
@settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_a_set_that_was_cut_or_altered_anywhere_is_refused(
    small: Kept, copy: Path, name: str, where: float, way: str | int | bytes
) -> None:
    path, whole = copy / name, (small.folder / name).read_bytes()
    at = int(where * len(whole))
    if way == "cut":
        damaged = whole[:at]
    elif way == "grown":
        damaged = whole + whole[-1:]
    elif isinstance(way, int):
        damaged = whole[:at] + bytes([whole[at] ^ way]) + whole[at + 1 :]
    else:
        assert isinstance(way, bytes)
        damaged = whole[:at] + way + whole[at + len(way) :]
    path.write_bytes(damaged)
    try:
        if damaged == whole:
            load_golden(copy)
        else:
            assert name in refusal(copy)
    finally:
        path.write_bytes(whole)


@pytest.mark.parametrize("name", FILES)
def test_a_set_without_one_of_its_files_is_refused(copy: Path, name: str) -> None:
    (copy / name).unlink()
    assert name in refusal(copy)


def resealed(folder: Path, edit: Callable[[dict[str, Any]], object]) -> None:
    """As somebody would who knows how a manifest is sealed."""
    path = folder / "manifest.json"
    values = json.loads(path.read_text())
    edit(values)
    values.pop("sha256", None)
    text = json.dumps(values, indent=1, sort_keys=True) + "\n"
    values["sha256"] = hashlib.sha256(text.encode()).hexdigest()
    path.write_text(json.dumps(values, indent=1, sort_keys=True) + "\n")


def test_resealing_alone_changes_nothing(small: Kept, copy: Path) -> None:
    resealed(copy, lambda values: None)
    assert load_golden(copy).sha256 == small.golden.sha256


@pytest.mark.parametrize(
    ("edit", "reason"),
    [
        (lambda v: v.update(note="x"), "unexpected"),
        (lambda v: v["decision"].update(margin=0.1), "unexpected"),
        (lambda v: v["files"].update({"more.npz": v["files"][SAMPLES]}), "unexpected"),
        (lambda v: v.update(schema="golden/2"), "golden/1"),
        (lambda v: v["samples"].pop(), "as the manifest has it"),
        (lambda v: v["samples"].reverse(), "a sample is not the one"),
        (lambda v: v["decision"].update(reject_threshold=30.0), "does not follow"),
        (lambda v: v["decision"].update(reject_threshold=float("inf")), "altered"),
        (lambda v: v["decision"].update(kind="value"), "unknown array"),
        (lambda v: v["outputs"][0].update(shape=[5]), "as the manifest has it"),
    ],
)
def test_a_set_that_contradicts_itself_is_refused(
    copy: Path, edit: Callable[[dict[str, Any]], object], reason: str
) -> None:
    resealed(copy, edit)
    assert reason in refusal(copy)


def test_an_array_that_is_not_known_is_refused(copy: Path) -> None:
    path = copy / SAMPLES
    with np.load(path) as archive:
        arrays = {name: archive[name] for name in archive.files}
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays, labels=np.zeros(3))
    path.write_bytes(buffer.getvalue())
    entry = {"bytes": path.stat().st_size, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
    resealed(copy, lambda values: values["files"].update({SAMPLES: entry}))
    assert "unknown array 'labels'" in refusal(copy)


def test_text_that_says_the_same_otherwise_is_refused(copy: Path) -> None:
    path = copy / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text())))
    assert "altered" in refusal(copy)
