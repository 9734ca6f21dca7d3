"""Images of the UNO's port, built from the tree, on emulated boards."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hil.emulators.atmega328p import Atmega328pEmulator
from hil.emulators.process import EmulatorProcess
from tests.firmware.uno.images import Image, built
from tests.support.make import BUILD_DIR


@pytest.fixture(scope="session")
def agent_image() -> Image:
    """The firmware as it ships."""
    return built(BUILD_DIR)


@pytest.fixture(scope="session")
def port_probe() -> Image:
    """The port with port_probe.c in the agent's place."""
    return built(BUILD_DIR / "uno-port-probe", f"MAIN={Path(__file__).parent / 'port_probe.c'}")


@pytest.fixture
def start() -> Iterator[Callable[[Path], EmulatorProcess]]:
    """Starts emulated UNOs and ends them after the test."""
    running: list[EmulatorProcess] = []

    def start_one(image: Path) -> EmulatorProcess:
        running.append(Atmega328pEmulator().start(firmware=image))
        return running[-1]

    yield start_one
    for process in running:
        process.stop()
