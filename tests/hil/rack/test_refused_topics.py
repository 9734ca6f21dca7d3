"""A broker that says no to a subscription, which Mosquitto's access-control lists never do."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator

import pytest

from host.boards.agents import list_agents
from host.errors import LinkError
from host.links.mqtt_address import parse_broker
from host.links.open import open_link
from tests.support.broker import free_port

_BROKER = textwrap.dedent("""
    import asyncio, sys
    from amqtt.broker import Broker
    from amqtt.contexts import BrokerConfig

    async def main():
        topics = "amqtt.plugins.topic_checking.TopicAccessControlListPlugin"
        broker = Broker(BrokerConfig.from_dict({
            "listeners": {"default": {"type": "tcp", "bind": "127.0.0.1:" + sys.argv[1]}},
            "plugins": {
                "amqtt.plugins.authentication.AnonymousAuthPlugin": {},
                topics: {"acl": {"anonymous": ["elsewhere/#"]}, "publish_acl": {}},
            },
        }))
        await broker.start()
        print("READY", flush=True)
        await asyncio.sleep(3600)

    asyncio.run(main())
""")


@pytest.fixture
def strict_broker() -> Iterator[str]:
    port = free_port()
    with subprocess.Popen(
        [sys.executable, "-c", _BROKER, str(port)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "READY\n"
        yield f"mqtt://127.0.0.1:{port}"
        process.kill()


def test_a_refused_subscription_is_not_taken_for_silence(strict_broker: str) -> None:
    started = time.monotonic()
    with pytest.raises(LinkError, match="does not let everybody read jumpstation/1/bench/a"):
        open_link(f"{strict_broker}/bench/a")
    with pytest.raises(LinkError, match=r"does not let everybody read jumpstation/1/\+/\+"):
        list_agents(parse_broker("--mqtt", strict_broker))
    assert time.monotonic() - started < 10
