"""The UNO Q's firmware on the emulated machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hil.emulators.process import EmulatorProcess
from tests.firmware.uno_q.images import Image, built


@pytest.fixture(scope="session")
def agent_image() -> Image:
    """The firmware as it ships, for the emulated machine."""
    return built("uno_q-an505")


@pytest.fixture(scope="session")
def probe_image() -> Image:
    """The port with probe.c in the agent's place."""
    return built("uno_q-an505", "probe", f"MAIN={Path(__file__).parent / 'probe.c'}")


@pytest.fixture
def start() -> Iterator[Callable[[Image], EmulatorProcess]]:
    """Starts boards and ends them after the test."""
    running: list[EmulatorProcess] = []

    def start_one(image: Image) -> EmulatorProcess:
        running.append(image.start())
        return running[-1]

    yield start_one
    for process in running:
        process.stop()
