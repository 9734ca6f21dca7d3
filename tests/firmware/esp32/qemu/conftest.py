"""Every test here runs on both machines."""

from __future__ import annotations

from pathlib import Path

import pytest

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
