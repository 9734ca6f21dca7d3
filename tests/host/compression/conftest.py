"""The digits: images to train with, and a model that is too large for a UNO."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from examples.training import data
from host.cli import main
from tests.support.make import ROOT

CNN = ROOT / "examples" / "digits_cnn.onnx"


@pytest.fixture(scope="session")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as ``--data`` takes it."""
    folder = tmp_path_factory.mktemp("digits")
    loaded = data.load()
    np.save(folder / "images.npy", loaded.train_images)
    np.save(folder / "labels.npy", loaded.train_labels)
    return folder


@pytest.fixture(autouse=True, scope="session")
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where teachers' outputs and candidates are kept, apart from this user's."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder))
        yield folder  # type: ignore[misc]


@pytest.fixture
def cli(tmp_path: Path) -> Callable[..., int]:
    """Runs ``host``, with a history of the test's own; returns its exit code."""

    def run(*arguments: object) -> int:
        with pytest.raises(SystemExit) as stopped:
            main([str(argument) for argument in arguments])
        return int(stopped.value.code or 0)

    return run
