"""What tests of boards' firmware share. A board's own conftest gives ``agent_image``, the firmware
as it ships, and ``probe_image``, the port with the board's probe.c in the agent's place."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from hil.emulators.process import EmulatorProcess
from host.links.emulator import EmulatorLink
from host.links.tcp import TcpLink
from host.session import Session
from protocol.messages import ResetCause
from tests.firmware.shared.images import Image
from tests.firmware.shared.probe import Probe
from tests.support.boards import started
from tests.support.pc_agent import running_agent


@pytest.fixture
def start() -> Iterator[Callable[..., EmulatorProcess]]:
    """Starts boards from images and ends them after the test."""
    with started(lambda image, **options: image.start(**options)) as start_one:
        yield start_one


@pytest.fixture
def board(agent_image: Image, start: Callable[..., EmulatorProcess]) -> EmulatorProcess:
    return start(agent_image)


@pytest.fixture
def session(board: EmulatorProcess) -> Iterator[Session]:
    with Session(EmulatorLink(board)) as session:
        session.connect()
        yield session


@pytest.fixture(scope="module")
def oracle() -> Iterator[Session]:
    """A session with the posix agent, which computes what boards are to compute."""
    with running_agent() as port, Session(TcpLink("127.0.0.1", int(port))) as session:
        session.connect()
        with session.lease():
            yield session


@pytest.fixture
def probe(probe_image: Image, start: Callable[..., EmulatorProcess]) -> Iterator[Probe]:
    """A board that has just been started."""
    with Probe(start(probe_image)) as probe:
        assert probe.start() == (ResetCause.POWER_ON, 1)
        yield probe
