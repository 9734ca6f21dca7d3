from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.agent.linux.linux_agent import linux_agent
from tests.firmware.agent.agent_process import Client


@pytest.fixture
def model_folder(tmp_path: Path) -> Path:
    """Where the agent keeps models."""
    return tmp_path / "store"


@pytest.fixture
def client(model_folder: Path) -> Iterator[Client]:
    """A session, without its lease, with a Linux agent of its own."""
    with linux_agent("--store", str(model_folder)) as agent:
        yield Client(agent)


@pytest.fixture
def holder(client: Client) -> Client:
    """A session that holds the lease."""
    client.take()
    return client
