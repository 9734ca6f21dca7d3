"""A broker in the gateway's own process, for a rack or a demo that has none."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import AsyncIterator

from amqtt.broker import Broker
from amqtt.contexts import BrokerConfig
from amqtt.errors import BrokerError

from host.errors import ConfigError
from host.links.mqtt_address import BrokerAddress

LOOPBACK = "127.0.0.1"
_USUAL_PORT = 1883
_SHUTDOWN_S = 2.0


@contextlib.asynccontextmanager
async def embedded_broker(port: int | None) -> AsyncIterator[BrokerAddress]:
    """Runs a broker on the loopback address alone: it asks nobody who they are.

    Args:
        port: None takes the usual one, or where a broker runs there already any that is free.

    Raises:
        ConfigError: the port is taken.
    """
    if port is None:
        port = _USUAL_PORT if _is_free(_USUAL_PORT) else _free_port()
    logging.getLogger("amqtt").setLevel(logging.CRITICAL)
    broker = Broker(
        BrokerConfig.from_dict(
            {
                "listeners": {"default": {"type": "tcp", "bind": f"{LOOPBACK}:{port}"}},
                "plugins": {"amqtt.plugins.authentication.AnonymousAuthPlugin": {}},
            }
        )
    )
    try:
        await broker.start()
    except BrokerError as error:
        raise ConfigError(
            f"the embedded broker cannot use port {port} of this machine: it is taken",
            hint=f"where a broker runs there, use it: --mqtt mqtt://{LOOPBACK}:{port}",
        ) from error
    try:
        yield BrokerAddress(LOOPBACK, port, tls=False)
    finally:
        # It waits for clients that stay, from Python 3.12 on.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_SHUTDOWN_S):
                await broker.shutdown()


def _is_free(port: int) -> bool:
    try:
        socket.create_server((LOOPBACK, port)).close()
    except OSError:
        return False
    return True


def _free_port() -> int:
    with socket.create_server((LOOPBACK, 0)) as probe:
        number: int = probe.getsockname()[1]
        return number
