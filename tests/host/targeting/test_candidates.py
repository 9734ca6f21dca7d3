"""The models behind a profile: found again, or not at all."""

from __future__ import annotations

import shutil
from pathlib import Path

import attrs
import pytest

from host.targeting import candidates
from host.targeting.profiler import Profiled, profile_model
from tests.host.targeting.world import VECTOR
from tests.support.pc_agent import ROOT, build_pc_agent

EXAMPLES = ROOT / "examples"


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    build_pc_agent()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    path = tmp_path / "m.onnx"
    shutil.copyfile(EXAMPLES / "digits_mlp.onnx", path)
    return path


@pytest.fixture
def profiled(model: Path) -> Profiled:
    return profile_model(model, EXAMPLES / "calibration")


def contents(paths: dict[str, Path]) -> dict[str, bytes]:
    return {precision: path.read_bytes() for precision, path in paths.items()}


def test_kept_and_found_though_the_model_is_gone(profiled: Profiled, model: Path) -> None:
    kept = candidates.keep(profiled.candidates)
    model.unlink()
    assert candidates.find(profiled.vector) == kept
    assert contents(kept) == profiled.candidates


def test_made_again_from_another_folder(
    profiled: Profiled, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert contents(candidates.find(profiled.vector)) == profiled.candidates


def test_a_damaged_file_is_made_again(profiled: Profiled) -> None:
    path = candidates.keep(profiled.candidates)["int8"]
    path.write_bytes(b"damaged")
    assert contents(candidates.find(profiled.vector)) == profiled.candidates


def test_nothing_of_a_model_that_is_gone_or_another(profiled: Profiled, model: Path) -> None:
    shutil.copyfile(EXAMPLES / "digits_cnn.onnx", model)
    assert candidates.find(profiled.vector) == {}
    model.write_bytes(b"no model")
    assert candidates.find(profiled.vector) == {}
    model.unlink()
    assert candidates.find(profiled.vector) == {}
    assert candidates.find(VECTOR) == {}


def test_a_profile_that_names_the_model_alone(profiled: Profiled) -> None:
    named = attrs.evolve(VECTOR, details={"model": profiled.vector.details["model"]})
    assert set(candidates.find(named)) == {"int8", "int4"}
