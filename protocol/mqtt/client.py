"""A connection to a broker, and what its failures mean."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import ssl
from collections.abc import Iterator
from types import TracebackType
from typing import Any, Self

import aiomqtt
from paho.mqtt.reasoncodes import ReasonCode

from protocol.mqtt.address import PASSWORD_VARIABLE, BrokerAddress
from protocol.mqtt.failures import BrokerError

KEEPALIVE_S = 15
"""A client that vanished without a word is gone for the broker after 1.5 times this."""
ANSWER_S = 5.0
"""For whatever the broker itself is asked."""
_QUEUED_MESSAGES = 1024
_LOG = logging.getLogger("jumpstation.mqtt")
# What the libraries say of a connection that broke is for who asks for it; users get BrokerError.
_LOG.addHandler(logging.NullHandler())
_BAD_CREDENTIALS = {134, 135}
"""CONNACK 4 and 5, bad user name or password and not authorized (MQTT 3.1.1 table 3.1), as paho
maps them to those of MQTT 5."""


class Client(aiomqtt.Client):
    """One that can be cancelled at any moment.

    ``asyncio.wait_for``, with which aiomqtt awaits the broker, loses before Python 3.12 a
    cancellation that comes together with the broker's answer (CPython issue 86296).
    """

    async def __aenter__(self) -> Self:
        entered = False
        try:
            with _cancellation_kept():
                await super().__aenter__()
                entered = True
        except asyncio.CancelledError:
            if entered:
                await self.__aexit__(asyncio.CancelledError, None, None)
            raise
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        # A goodbye that does not get through must not take the place of what ends the client.
        unheard = [] if exc_type is None else [aiomqtt.MqttError]
        with _cancellation_kept(), contextlib.suppress(*unheard):
            await super().__aexit__(exc_type, exc, tb)

    async def publish(self, *args: Any, **options: Any) -> None:
        with _cancellation_kept():
            await super().publish(*args, **options)

    async def subscribe(self, *args: Any, **options: Any) -> Any:
        with _cancellation_kept():
            return await super().subscribe(*args, **options)


@contextlib.contextmanager
def _cancellation_kept() -> Iterator[None]:
    """Raises the cancellation that came inside and was lost there."""
    task = asyncio.current_task()
    assert task is not None
    requests = task.cancelling()
    try:
        yield
    finally:
        if task.cancelling() > requests:
            raise asyncio.CancelledError


def client_to(
    broker: BrokerAddress, *, identifier: str | None = None, will: aiomqtt.Will | None = None
) -> Client:
    """A client, not connected yet; needs a running event loop.

    MQTT 3.1.1, which every broker speaks, with a clean session: what could not be delivered
    is not kept, for the session layer has asked again by then.

    Raises:
        AddressError: a certificate or the password cannot be read.
    """
    return Client(
        broker.host,
        broker.port,
        username=broker.user,
        password=broker.password(),
        identifier=identifier,
        will=will,
        clean_session=True,
        logger=_LOG,
        keepalive=KEEPALIVE_S,
        timeout=ANSWER_S,
        tls_context=broker.tls_context(),
        max_queued_incoming_messages=_QUEUED_MESSAGES,
        # A window of small frames must not wait for the acknowledgement of its first.
        socket_options=[(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)],
    )


async def subscribe(client: aiomqtt.Client, broker: BrokerAddress, topic: str, qos: int) -> None:
    """Subscribes, and does not take a refusal for silence.

    Raises:
        BrokerError: the broker does not let this user read that topic.
        aiomqtt.MqttError: the connection broke.
    """
    for code in await client.subscribe(topic, qos):
        if isinstance(code, ReasonCode) and code.is_failure:
            who = "everybody" if broker.user is None else f"user {broker.user!r}"
            raise BrokerError(
                f"the broker {broker} does not let {who} read {topic}",
                hint="its access-control list decides; docs/mqtt/acl is an example",
            )


def broker_error(broker: BrokerAddress, error: aiomqtt.MqttError) -> BrokerError:
    """The failure to connect, by who has to do something about it."""
    cause = error.__context__
    # A number instead is one of paho's own, of a connection that broke.
    if isinstance(error, aiomqtt.MqttCodeError) and isinstance(error.rc, ReasonCode):
        if error.rc.value in _BAD_CREDENTIALS:
            who = "a client without a user" if broker.user is None else f"user {broker.user!r}"
            return BrokerError(
                f"the broker {broker} refused {who}",
                hint=f"check the user in the URL, and {PASSWORD_VARIABLE} or ~/.netrc",
            )
        return BrokerError(f"the broker {broker} refused the connection: {error}")
    if isinstance(cause, ssl.SSLCertVerificationError):
        return BrokerError(
            f"the broker {broker} has no certificate that is trusted here: {cause.verify_message}",
            hint="name the file of who issued it: mqtts://...?ca=FILE",
        )
    if isinstance(cause, ssl.SSLError):
        return BrokerError(
            f"no TLS with the broker {broker}: {cause.reason or cause}",
            hint="check the port (8883 is usual), and the client certificate if it wants one",
        )
    if isinstance(cause, TimeoutError):
        return BrokerError(
            f"the broker {broker} did not answer: {error}",
            hint="check the host's name and the port, and whether that port wants TLS (mqtts://) "
            "or a client certificate",
        )
    return BrokerError(
        f"the broker {broker} cannot be reached: {error}",
        hint="check that it runs, the host's name and the port",
    )


async def check(broker: BrokerAddress) -> None:
    """Connects once: what fails at first is a mistake, what fails later is waited out.

    Raises:
        AddressError, BrokerError: it does not work.
    """
    try:
        async with client_to(broker):
            pass
    except aiomqtt.MqttError as error:
        raise broker_error(broker, error) from error
