"""What holds for every test: none writes into the history of whoever runs them."""

from __future__ import annotations

import os
import shutil
import tempfile

import pytest

_FOLDER = tempfile.mkdtemp(prefix="jumpstation-tests-")
# Set before any test module is imported: some pass the environment on to processes they start.
os.environ["JUMPSTATION_HISTORY"] = f"{_FOLDER}/history.sqlite"


def pytest_unconfigure(config: pytest.Config) -> None:
    shutil.rmtree(_FOLDER, ignore_errors=True)
