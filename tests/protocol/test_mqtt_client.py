"""A client that is cancelled, on a real broker."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import psutil
import pytest

from protocol.mqtt.address import BrokerAddress, parse_broker
from protocol.mqtt.client import Client, client_to
from tests.support.broker import Mosquitto

TRIES = 400
ROUND_TRIP_S = 0.002
ENDS_S = 2.0
MORE_THAN_SOCKETS_HOLD = 1 << 25


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[BrokerAddress]:
    with Mosquitto(tmp_path) as running:
        yield parse_broker("", running.url)


async def publish_for_ever(client: Client) -> None:
    while True:
        await client.publish("a/b", b"", 1)


async def subscribe_for_ever(client: Client) -> None:
    while True:
        await client.subscribe("a/b", 1)


@pytest.mark.parametrize("work", [publish_for_ever, subscribe_for_ever])
def test_no_cancellation_is_lost(
    broker: BrokerAddress, work: Callable[[Client], Awaitable[None]]
) -> None:
    """Whenever it comes: also together with the broker's answer."""

    async def cancel_at_many_moments() -> int:
        moments = random.Random(1)
        ended = 0
        async with client_to(broker) as client:
            for _ in range(TRIES):
                task = asyncio.ensure_future(work(client))
                await asyncio.sleep(moments.uniform(0, ROUND_TRIP_S))
                task.cancel()
                await asyncio.wait([task], timeout=ENDS_S)
                ended += task.cancelled()
                if not task.done():
                    break
        return ended

    assert asyncio.run(cancel_at_many_moments()) == TRIES


def test_connecting_and_leaving_can_be_cancelled(broker: BrokerAddress) -> None:
    async def stay() -> None:
        async with client_to(broker):
            await asyncio.sleep(60)

    async def cancel_at_many_moments() -> int:
        moments = random.Random(2)
        ended = 0
        for _ in range(TRIES // 4):
            task = asyncio.create_task(stay())
            await asyncio.sleep(moments.uniform(0, 4 * ROUND_TRIP_S))
            task.cancel()
            await asyncio.wait([task], timeout=ENDS_S)
            ended += task.cancelled()
            if not task.done():
                break
        return ended

    assert asyncio.run(cancel_at_many_moments()) == TRIES // 4


def test_a_silent_broker_does_not_take_the_place_of_a_cancellation(tmp_path: Path) -> None:
    """The goodbye gets no answer; what the client's owner is told is that it was cancelled."""
    with Mosquitto(tmp_path) as running:

        async def leave() -> bool:
            async def stay() -> None:
                async with client_to(parse_broker("", running.url)) as client:
                    client.timeout = 0.2
                    psutil.Process(running.pid).suspend()
                    entered.set()
                    await client.publish("a/b", bytes(MORE_THAN_SOCKETS_HOLD), 1, timeout=60)

            entered = asyncio.Event()
            task = asyncio.create_task(stay())
            await entered.wait()
            task.cancel()
            await asyncio.wait([task], timeout=ENDS_S)
            return task.cancelled()

        assert asyncio.run(leave())
