"""A connection to a broker, with its failures as a user of ``host`` is told them."""

from __future__ import annotations

import aiomqtt

from host.errors import LinkError
from host.links.mqtt_address import explained
from protocol.mqtt import client
from protocol.mqtt.address import BrokerAddress


def client_to(broker: BrokerAddress) -> aiomqtt.Client:
    """A client, not connected yet; needs a running event loop.

    Raises:
        ConfigError: a certificate or the password cannot be read.
    """
    with explained():
        return client.client_to(broker)


async def subscribe(to: aiomqtt.Client, broker: BrokerAddress, topic: str, qos: int) -> None:
    """Subscribes, and does not take a refusal for silence.

    Raises:
        LinkError: the broker does not let this user read that topic.
        aiomqtt.MqttError: the connection broke.
    """
    with explained():
        await client.subscribe(to, broker, topic, qos)


async def check(broker: BrokerAddress) -> None:
    """Connects once: what fails at first is a mistake, what fails later is waited out.

    Raises:
        ConfigError: a certificate or the password cannot be read.
        LinkError: the broker cannot be reached, or refuses.
    """
    with explained():
        await client.check(broker)


def broker_error(broker: BrokerAddress, error: aiomqtt.MqttError) -> LinkError:
    """The failure to connect, by who has to do something about it."""
    failure = client.broker_error(broker, error)
    return LinkError(str(failure), hint=failure.hint)
