"""Every test here runs on both machines."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hil.emulators.process import EmulatorProcess
from tests.firmware.esp32.qemu.machines import MACHINES, Image, Machine, built


@pytest.fixture(scope="session", params=MACHINES, ids=lambda machine: machine.board)
def machine(request: pytest.FixtureRequest) -> Machine:
    found: Machine = request.param
    return found


@pytest.fixture(scope="session")
def agent_image(machine: Machine) -> Image:
    """The firmware as it ships."""
    return built(machine)


@pytest.fixture(scope="session")
def probe_image(machine: Machine) -> Image:
    """The port with probe.c in the agent's place."""
    return built(machine, "probe", f"MAIN={Path(__file__).parent / 'probe.c'}")


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
