"""Who is on a broker: what agents and gateways retain there of their boards."""

from __future__ import annotations

import asyncio
import contextlib
import time
from datetime import datetime

import aiomqtt

from host.links.mqtt_address import BrokerAddress
from host.links.mqtt_client import broker_error, client_to, subscribe
from protocol.mqtt import QOS_PRESENCE, BoardTopics, Presence, board_of, parse_time

_QUIET_S = 0.3
"""A broker sends all that it retains at once: silence for this long is the end of it."""
_LIMIT_S = 5.0


def list_agents(broker: BrokerAddress) -> tuple[Presence, ...]:
    """The boards that this user may see, by rack and name.

    Raises:
        ConfigError: a certificate or the password cannot be read.
        LinkError: the broker cannot be reached, or refuses.
    """
    return asyncio.run(_list(broker))


async def _list(broker: BrokerAddress) -> tuple[Presence, ...]:
    boards = BoardTopics("+", "+")
    found: dict[BoardTopics, Presence] = {}
    seen: dict[BoardTopics, datetime] = {}
    try:
        async with client_to(broker) as client:
            await subscribe(client, broker, boards.seen, QOS_PRESENCE)
            await subscribe(client, broker, boards.presence, QOS_PRESENCE)
            ends_at = time.monotonic() + _LIMIT_S
            messages = aiter(client.messages)
            while time.monotonic() < ends_at:
                try:
                    message = await asyncio.wait_for(anext(messages), _QUIET_S)
                except TimeoutError:
                    break
                _take(message, found, seen)
    except aiomqtt.MqttError as error:
        raise broker_error(broker, error) from error
    known = [presence.known_at(seen.get(board)) for board, presence in found.items()]
    return tuple(sorted(known, key=lambda presence: (presence.rack, presence.board)))


def _take(
    message: aiomqtt.Message,
    found: dict[BoardTopics, Presence],
    seen: dict[BoardTopics, datetime],
) -> None:
    board = board_of(message.topic.value)
    if board is None:
        return
    with contextlib.suppress(ValueError):  # not ours, whatever it is
        if message.topic.value == board.presence:
            found[board] = Presence.from_json(message.payload)
        elif message.topic.value == board.seen:
            seen[board] = parse_time(message.payload.decode("ascii", "replace"))
