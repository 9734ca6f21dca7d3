"""Images of the UNO's port, built from the tree, on emulated boards."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.firmware.uno.images import Image, built
from tests.support.make import BUILD_DIR


@pytest.fixture(scope="session")
def agent_image() -> Image:
    """The firmware as it ships."""
    return built(BUILD_DIR)


@pytest.fixture(scope="session")
def probe_image() -> Image:
    """The port with probe.c in the agent's place."""
    return built(BUILD_DIR / "uno-port-probe", f"MAIN={Path(__file__).parent / 'probe.c'}")
