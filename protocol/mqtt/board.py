"""A board's own side of a broker: what is asked of it, what it answers, and that it is there.

For whoever offers the board: a rack's gateway, or an agent that has a network. Every board has a
connection of its own, for a broker keeps one last will a connection.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import aiomqtt
import attrs

from protocol.framing import Frame, FramingError
from protocol.mqtt.address import BoardAddress
from protocol.mqtt.client import broker_error, client_to, subscribe
from protocol.mqtt.failures import AddressError, BrokerError
from protocol.mqtt.presence import HEARTBEAT_S, LeaseNotice, Presence, format_time
from protocol.mqtt.topics import QOS_FRAMES, QOS_PRESENCE, BoardTopics

_RECONNECT_S = (0.25, 0.5, 1.0, 2.0)
_QUEUED_ANSWERS = 256
_GOODBYE_S = 2.0
_LEASE_CHECK_S = 1.0


class BoardOnBroker:
    """Keeps a board on a broker from :meth:`serve`'s call until that is cancelled.

    Needs a running event loop.

    Args:
        address: the broker, and the board's name there.
        presence: what is known of the board so far.
        receive: given each request, in the order of their arrival.
        lease: who holds the board now.
        offered_by: whose end is the board's: "the agent", "the rack's gateway".
        log: told when the broker is lost.
    """

    def __init__(
        self,
        address: BoardAddress,
        presence: Presence,
        *,
        receive: Callable[[Frame], Awaitable[None]],
        lease: Callable[[], LeaseNotice | None],
        offered_by: str,
        log: logging.Logger,
    ) -> None:
        self.announced = asyncio.Event()
        """Set once a broker has the presence."""
        self.presence = presence
        self._address = address
        self._topics = BoardTopics(address.rack, address.board)
        self._receive = receive
        self._lease = lease
        self._offered_by = offered_by
        self._log = log
        self._last_seen = presence.last_seen
        self._presence_changed = asyncio.Event()
        self._answers: asyncio.Queue[Frame] = asyncio.Queue(_QUEUED_ANSWERS)

    def tell(self, presence: Presence) -> None:
        """The board has changed: attached, detached, started again."""
        self._last_seen = presence.last_seen or self._last_seen
        self.presence = presence
        self._presence_changed.set()

    def tell_gone(self, reason: str) -> None:
        """The board does not answer any more."""
        self.tell(self.presence.gone(reason, self._last_seen))

    def answer(self, frame: Frame) -> None:
        """Publishes what the board said; never waits.

        Without a broker, or when it takes too little, an answer is lost: it is asked for again.
        """
        self._last_seen = datetime.now(UTC)
        with contextlib.suppress(asyncio.QueueFull):
            self._answers.put_nowait(frame)
        self._tell_lease()

    async def serve(self) -> None:
        """Stays connected; a broker that goes away is waited for."""
        failures = 0
        while True:
            failure: Exception | None = None
            try:
                async with client_to(
                    self._address.broker,
                    identifier=f"jumpstation-{self._topics.rack}-{self._topics.board}",
                    will=self._will(),
                ) as client:
                    failures = 0
                    await self._serve_on(client)
            except aiomqtt.MqttError as error:
                failure = broker_error(self._address.broker, error)
            except (AddressError, BrokerError) as error:
                failure = error
            if failure is not None and not failures:
                self._log.warning("%s/%s: %s", self._topics.rack, self._topics.board, failure)
            await asyncio.sleep(_RECONNECT_S[min(failures, len(_RECONNECT_S) - 1)])
            failures += 1

    async def _serve_on(self, client: aiomqtt.Client) -> None:
        await subscribe(client, self._address.broker, self._topics.request, QOS_FRAMES)
        while not self._answers.empty():
            self._answers.get_nowait()
        self._presence_changed.set()
        tasks = [
            asyncio.create_task(work(client))
            for work in (self._take_requests, self._publish_answers, self._publish_presence)
        ]
        tasks.append(asyncio.create_task(self._beat(client)))
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        except asyncio.CancelledError:
            with contextlib.suppress(aiomqtt.MqttError, TimeoutError):
                async with asyncio.timeout(_GOODBYE_S):
                    await self._say_goodbye(client)
            raise
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _take_requests(self, client: aiomqtt.Client) -> None:
        async for message in client.messages:
            # A retained request would be done again at every reconnection.
            if message.retain or not isinstance(message.payload, bytes):
                continue
            try:
                frame = Frame.from_bytes(message.payload)
            except FramingError:
                continue
            await self._receive(frame)

    async def _publish_answers(self, client: aiomqtt.Client) -> None:
        while True:
            frame = await self._answers.get()
            await client.publish(self._topics.answer(frame.session), frame.to_bytes(), QOS_FRAMES)

    async def _publish_presence(self, client: aiomqtt.Client) -> None:
        while True:
            await self._presence_changed.wait()
            self._presence_changed.clear()
            await self._retain(client, self.presence)
            self.announced.set()

    async def _beat(self, client: aiomqtt.Client) -> None:
        """Keeps ``seen`` and the lease up to date while the board is there."""
        checks = 0
        while True:
            if self.presence.online and checks % (HEARTBEAT_S // _LEASE_CHECK_S) == 0:
                now = format_time(datetime.now(UTC))
                await client.publish(self._topics.seen, now, QOS_PRESENCE, retain=True)
                lease = self._lease()
                if lease is not None:
                    self.tell(attrs.evolve(self.presence, lease=lease))
            self._tell_lease()
            checks += 1
            await asyncio.sleep(_LEASE_CHECK_S)

    async def _say_goodbye(self, client: aiomqtt.Client) -> None:
        gone = self.presence.gone(f"{self._offered_by} ended", self._last_seen)
        await self._retain(client, gone if self.presence.online else self.presence)

    async def _retain(self, client: aiomqtt.Client, presence: Presence) -> None:
        await client.publish(self._topics.presence, presence.to_json(), QOS_PRESENCE, retain=True)

    def _tell_lease(self) -> None:
        """Publishes that the board was taken or freed; renewals are told with the heartbeat."""
        lease, told = self._lease(), self.presence.lease
        if (lease and lease.holder) != (told and told.holder) and self.presence.online:
            self.tell(attrs.evolve(self.presence, lease=lease))

    def _will(self) -> aiomqtt.Will:
        gone = self.presence.gone(f"{self._offered_by} is gone", self._last_seen)
        return aiomqtt.Will(self._topics.presence, gone.to_json(), QOS_PRESENCE, retain=True)
