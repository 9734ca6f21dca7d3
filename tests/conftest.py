"""What holds for every test, however the tests are run and by whom."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile

import pytest

# What these assert for the tests that call them is told in full where it fails.
pytest.register_assert_rewrite("tests.firmware.shared", "tests.hil.processes", "tests.support")

_FOLDER = tempfile.mkdtemp(prefix="jumpstation-tests-")
# Nobody's own history is written to. Set before any test module is imported: some pass the
# environment on to processes they start.
os.environ["JUMPSTATION_HISTORY"] = f"{_FOLDER}/history.sqlite"

# A run in the background of a shell ignores SIGINT, and so would what it starts; some tests
# interrupt that.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_unconfigure(config: pytest.Config) -> None:
    shutil.rmtree(_FOLDER, ignore_errors=True)
