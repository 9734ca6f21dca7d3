"""The UNO Q's firmware on the emulated machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.firmware.uno_q.images import Image, built


@pytest.fixture(scope="session")
def agent_image() -> Image:
    """The firmware as it ships, for the emulated machine."""
    return built("uno_q-an505")


@pytest.fixture(scope="session")
def probe_image() -> Image:
    """The port with probe.c in the agent's place."""
    return built("uno_q-an505", "probe", f"MAIN={Path(__file__).parent / 'probe.c'}")
