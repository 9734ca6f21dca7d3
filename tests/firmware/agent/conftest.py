from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.firmware.agent.agent_process import AgentProcess, Client, build_agent


@pytest.fixture
def client() -> Iterator[Client]:
    """A session, without its lease, with a pc-agent under sanitizers."""
    with AgentProcess(build_agent(), "--pool-bytes", "300000") as agent:
        yield Client(agent)


@pytest.fixture
def holder(client: Client) -> Client:
    """A session that holds the lease."""
    client.take()
    return client
